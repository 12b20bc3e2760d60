import { startLabAgentRun, type LabAgentRun } from './agentrun/index.ts';
import type { LabControl } from './control.ts';
import { startLabDify, type LabDify } from './dify/index.ts';
import { startLabGateway, type LabGateway } from './gateway/index.ts';
import { startLabInbox, type LabInbox } from './inbox/index.ts';

/** Lab is the embedded platforms: servers on loopback that enforce the real platforms' rules, with throw-away credentials. */
export interface Lab {
  readonly dify: LabDify;
  readonly agentrun: LabAgentRun;
  readonly inbox: LabInbox;
  /** gateway stands in front of the Dify lab's service API. */
  readonly gateway: LabGateway;
  close(): Promise<void>;
}

/** LabOptions set a whole lab. */
export interface LabOptions {
  /** timeScale is by how much the lab's waits are compressed; 1 when absent. */
  readonly timeScale?: number;
}

/** startLab starts all embedded platforms; what had started is stopped again when one of them cannot. */
export const startLab = async ({ timeScale = 1 }: LabOptions = {}): Promise<Lab> => {
  const started: { close(): Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(started.map((part) => part.close()));
  };
  const keep = async <T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const part = await starting;
    started.push(part);
    return part;
  };
  try {
    const dify = await keep(startLabDify({ timeScale }));
    const agentrun = await keep(startLabAgentRun({ timeScale }));
    const inbox = await keep(startLabInbox({ timeScale }));
    const gateway = await keep(startLabGateway({ upstream: dify.origin }));
    return { dify, agentrun, inbox, gateway, close };
  } catch (error) {
    await close();
    throw error;
  }
};

/** describe gives the environment variables by which a process reaches a lab: its addresses and its throw-away credentials. */
export const describe = (lab: Lab, control?: LabControl): Record<string, string> => ({
  SLUICE_LAB_DIFY: lab.dify.origin,
  DIFY_EMAIL: lab.dify.credentials.email,
  DIFY_PASSWORD: lab.dify.credentials.password,
  DIFY_ADMIN_KEY: lab.dify.credentials.adminKey,
  SLUICE_LAB_DIFY_WORKSPACE: lab.dify.credentials.workspaceId,
  SLUICE_LAB_GATEWAY: lab.gateway.origin,
  SLUICE_LAB_GATEWAY_INCLUDE: lab.gateway.includeFile,
  SLUICE_LAB_AGENTRUN_CONTROL: lab.agentrun.control,
  SLUICE_LAB_AGENTRUN_DATA: lab.agentrun.data,
  SLUICE_LAB_AGENTRUN_STS: lab.agentrun.sts,
  SLUICE_LAB_AGENTRUN_LOGS: lab.agentrun.logs,
  SLUICE_LAB_AGENTRUN_METRICS: lab.agentrun.metrics,
  SLUICE_LAB_AGENTRUN_ACCOUNT: lab.agentrun.accountId,
  ALIBABA_CLOUD_ACCESS_KEY_ID: lab.agentrun.credentials.accessKeyId,
  ALIBABA_CLOUD_ACCESS_KEY_SECRET: lab.agentrun.credentials.accessKeySecret,
  ...(lab.agentrun.credentials.securityToken === undefined
    ? {}
    : { ALIBABA_CLOUD_SECURITY_TOKEN: lab.agentrun.credentials.securityToken }),
  AGENTRUN_API_KEY: lab.agentrun.apiKey,
  SLACK_WEBHOOK: lab.inbox.slack.url,
  DINGTALK_WEBHOOK: lab.inbox.dingtalk.url,
  DINGTALK_SECRET: lab.inbox.dingtalk.secret,
  WEBHOOK_URL: lab.inbox.webhook.url,
  WEBHOOK_SECRET: lab.inbox.webhook.secret,
  ...(control === undefined ? {} : { SLUICE_LAB_CONTROL: control.origin, SLUICE_LAB_TOKEN: control.token }),
});

const quoted = (value: string): string => `'${value.replaceAll("'", "'\\''")}'`;

/** shellExports writes variables as lines for a POSIX shell. */
export const shellExports = (variables: Readonly<Record<string, string>>): string =>
  Object.entries(variables)
    .map(([name, value]) => `export ${name}=${quoted(value)}\n`)
    .join('');
