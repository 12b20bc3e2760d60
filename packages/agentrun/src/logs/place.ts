import type { Logs } from '@sluice/core';
import { isRecord } from '../source/json.ts';
import type { AgentRunContext } from '../server/context.ts';
import type { Runtime } from '../server/wire.ts';

/** noLogs is why the logs of an agent cannot be read at all. */
export const noLogs = 'neither the runtime nor s.yaml names a project and a log store of Log Service (agent.logConfig)';

/**
 * countedLogs is what the logs of an agent are as evidence. How late request metrics may come in is not documented; lines
 * are said to be there within a minute.
 */
export const countedLogs: Omit<Logs, 'read'> = { source: 'agentrun request metrics', unit: 'request', settleMs: 60_000 };

/** LogPlace is where the function below a runtime writes its logs. */
export interface LogPlace {
  /** origin is the address of the project at Log Service, without a slash at its end. */
  readonly origin: string;
  readonly region: string;
  readonly project: string;
  readonly logstore: string;
  /** functionName is the function's at Function Compute. */
  readonly functionName: string;
}

interface Store {
  readonly project: string;
  readonly logstore: string;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

// Names become part of an address and of a query, so nothing else than Log Service's own form is taken.
const projectName = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;
const logstoreName = /^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$/;
const runtimeId = /^[\w-]+$/;

const storeIn = (value: unknown): Store | undefined => {
  if (!isRecord(value)) return undefined;
  const [project, logstore] = [textOf(value['project']), textOf(value['logstore'])];
  return projectName.test(project) && logstoreName.test(logstore) ? { project, logstore } : undefined;
};

/** accountIn is the account that a runtime's ARN names. */
export const accountIn = (arn: string): string | undefined => /^acs:agentrun:[^:]*:(\d+):/.exec(arn)?.[1];

/** storeOf is what the runtime itself says, else s.yaml; `auto` means what the component 1.0.12 makes of it. */
const storeOf = ({ source }: AgentRunContext, runtime: Runtime): Store | undefined => {
  const stored = storeIn(runtime.shown['logConfiguration']);
  if (stored !== undefined) return stored;
  const { agent, region } = source.parts;
  if (agent.logConfig !== 'auto') return storeIn(agent.logConfig);
  const account = accountIn(runtime.arn);
  return account === undefined ? undefined : storeIn({ project: `aliyun-serverless-${account}-${region}`, logstore: 'default-logs' });
};

/** projectOrigin puts the project in front of Log Service's host; an address by number, or of this machine, stands for the project itself. */
export const projectOrigin = (project: string, region: string, named: string | undefined): string => {
  if (named === undefined) return `https://${project}.${region}.log.aliyuncs.com`;
  const url = new URL(named);
  const bare = /^(?:localhost|\[.*\]|[\d.]+)$/.test(url.hostname);
  return `${url.protocol}//${bare ? '' : `${project}.`}${url.host}`;
};

/** logPlaceOf finds where the logs of a runtime are; undefined when neither the runtime nor s.yaml names a log store. */
export const logPlaceOf = (context: AgentRunContext, runtime: Runtime): LogPlace | undefined => {
  const store = storeOf(context, runtime);
  if (store === undefined || !runtimeId.test(runtime.id)) return undefined;
  const { region } = context.source.parts;
  return { ...store, region, origin: projectOrigin(store.project, region, context.logs), functionName: `agentrun-${runtime.id}` };
};
