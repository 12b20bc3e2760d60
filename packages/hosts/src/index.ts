export * from './cancellation.ts';
export * from './detect.ts';
export type { Environment } from './line-host.ts';
export type { Streams, Writer } from './streams.ts';
