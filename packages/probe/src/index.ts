export * from './ask.ts';
export type { Expectation } from './expectation.ts';
export * from './health.ts';
export { fillRequiredInputs, type Inputs } from './inputs.ts';
export { judge, saidText } from './judge.ts';
export * from './questions.ts';
export { settle, type Settled, type SettleOptions } from './settle.ts';
