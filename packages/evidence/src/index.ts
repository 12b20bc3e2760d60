export { logsSource } from './logs.ts';
export { openSources } from './open-sources.ts';
export { pairedProbes, type PairedObservation, type PairedProbing } from './paired-probes.ts';
