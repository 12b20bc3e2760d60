export * from './agentrun/index.ts';
export * from './control.ts';
export * from './dify/index.ts';
export * from './faults.ts';
export * from './gateway/index.ts';
export * from './inbox/index.ts';
export * from './lab.ts';
