export type { EvidencePorts } from './configured.ts';
export { countingCommand, type CommandAccess } from './counting-command.ts';
export { logsSource } from './logs.ts';
export { openSources } from './open-sources.ts';
export { pairedProbes, type PairedObservation, type PairedProbing } from './paired-probes.ts';
export { prometheusSource, type PrometheusAccess } from './prometheus/source.ts';
