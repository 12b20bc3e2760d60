export { release } from './release.ts';
export { steps } from './registry.ts';
