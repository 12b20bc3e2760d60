export { userQuestion } from './questions.ts';
export { release } from './release.ts';
export { steps } from './registry.ts';
export { summaryOf } from './summary.ts';
