export * from './decide.ts';
export * from './drive.ts';
export * from './plan.ts';
export type { RolloutPorts, RolloutProgress } from './ports.ts';
export { readings, type Reading } from './reading.ts';
export type { RolloutEnd, RolloutEvidence, RolloutPoint } from './rollout-end.ts';
export { continues, enterStage, readRolloutState, startRollout, type RolloutState, type SourceState, type Versions } from './rollout-state.ts';
export { isOfPlan, soFar, type SoFar } from './so-far.ts';
export { backToStable, isOurs, splitText } from './way-back.ts';
