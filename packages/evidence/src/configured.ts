import { done, type Clock, type CommandRunner, type EvidenceSource, type EvidenceSourceConfig, type HttpClient, type Outcome, type SecretReader } from '@sluice/core';
import { countingCommand } from './counting-command.ts';
import { prometheusSource } from './prometheus/source.ts';

/** EvidencePorts are what sources of evidence may touch, and those that sluice.yml names. */
export interface EvidencePorts {
  readonly clock: Clock;
  readonly http: HttpClient;
  readonly commands: CommandRunner;
  readonly secrets: SecretReader;
  /** folder is where commands run. */
  readonly folder: string;
  readonly configured: readonly EvidenceSourceConfig[];
}

interface Versions {
  readonly stable: string;
  readonly candidate: string;
}

const nameOf = (kind: string, index: number, all: readonly EvidenceSourceConfig[]): string => {
  const alike = all.filter((one) => kind in one).length;
  return alike < 2 ? kind : `${kind} ${all.slice(0, index + 1).filter((one) => kind in one).length}`;
};

const openOne = (config: EvidenceSourceConfig, index: number, ports: EvidencePorts, { stable, candidate }: Versions): Outcome<EvidenceSource> => {
  if ('prometheus' in config) {
    const { token } = config.prometheus;
    const read = token === undefined ? undefined : ports.secrets.read(token.env, 'read the counters of canary.evidence');
    if (read?.ok === false) return read;
    const access = { http: ports.http, clock: ports.clock, ...(read === undefined ? {} : { token: read.value }) };
    return done(prometheusSource(nameOf('prometheus', index, ports.configured), config.prometheus, access, stable, candidate));
  }
  const values: Record<string, string> = {};
  for (const variable of config.command.environment) {
    const read = ports.secrets.read(variable, 'run the command of canary.evidence');
    if (!read.ok) return read;
    values[variable] = read.value;
  }
  return done(countingCommand(nameOf('command', index, ports.configured), config.command, { commands: ports.commands, folder: ports.folder, values }, stable, candidate));
};

/** configuredSources opens the sources that sluice.yml names; a variable that one needs and that is not set is an `input` problem. */
export const configuredSources = (ports: EvidencePorts, versions: Versions): Outcome<EvidenceSource[]> => {
  const sources: EvidenceSource[] = [];
  for (const [index, config] of ports.configured.entries()) {
    const opened = openOne(config, index, ports, versions);
    if (!opened.ok) return opened;
    sources.push(opened.value);
  }
  return done(sources);
};
