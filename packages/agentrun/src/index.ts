export { agentrunPlatform } from './platform.ts';
export { agentrunSecrets } from './server/credentials.ts';
