export { renderInclude, readInclude } from './include.ts';
export { createNginxGateway, type NginxGatewayOptions } from './nginx.ts';
export type { GatewayKind, PinnedApplication, Pinning } from './pinning.ts';
