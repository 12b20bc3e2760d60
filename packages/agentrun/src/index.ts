export { agentrunPlatform } from './platform.ts';
export { agentrunSecrets } from './credentials/names.ts';

/** ramRights are the least rights of each step, for the documentation. */
export const ramRights = async () => (await import('./credentials/rights.ts')).ramRights();
