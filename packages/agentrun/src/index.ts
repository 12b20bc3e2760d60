export { agentrunPlatform } from './platform.ts';
export { agentrunSecrets } from './credentials/names.ts';
export { ramRights } from './credentials/rights.ts';
