import { randomUUID } from 'node:crypto';
import { answerJson, type LabHandler, type LabRequest } from '../server.ts';
import type { SignatureCheck } from './acs3.ts';
import type { LabKey } from './keys.ts';
import { operations, type Operation } from './operations.ts';
import { allows } from './ram.ts';
import { invalid, type Reply } from './reply.ts';
import { resourceArn, type Account } from './shapes.ts';
import type { Store } from './store.ts';

/** Throttle refuses the next requests as a platform under load does. */
export interface Throttle {
  requests: number;
  /** status is 429, or 400 as older gateways answer. */
  status: 400 | 429;
  retryAfterSeconds: number;
}

/** ControlPlane is everything that the control plane's server works on. */
export interface ControlPlane {
  readonly store: Store;
  readonly account: Account;
  readonly check: SignatureCheck;
  readonly throttle: Throttle;
  /** keyOf finds who signs with a key, to hold the call against the policy. */
  keyOf(accessKeyId: string): LabKey | undefined;
  /** calls are kept, the newest last. */
  readonly calls: LabCall[];
}

/** LabCall is one call as RAM saw it. */
export interface LabCall {
  /** action is RAM's, as in `agentrun:GetAgentRuntime`. */
  readonly action: string;
  /** resource is what the call was about, `*` where RAM knows no limit. */
  readonly resource: string;
  readonly method: string;
  /** path stands after the API's version. */
  readonly path: string;
  readonly allowed: boolean;
}

const version = '2025-09-10';

type Respond = (status: number, value: object, headers?: Readonly<Record<string, string>>) => void;

/** Gateway errors are spelled with capitals, the service's own with small letters; clients have to read both. */
const refuseAtGate = (respond: Respond, status: number, code: string, message: string, requestId: string): void =>
  respond(status, { Code: code, Message: message, RequestId: requestId, HostId: 'agentrun.lab' });

const bodyOf = (request: LabRequest): Readonly<Record<string, unknown>> | undefined => {
  if (request.body.length === 0) return {};
  try {
    const value: unknown = JSON.parse(request.body.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
};

const find = (request: LabRequest): { operation: Operation; ids: string[] } | undefined => {
  if (!request.path.startsWith(`/${version}/`)) return undefined;
  const path = request.path.slice(version.length + 1);
  for (const operation of operations) {
    const match = operation.method === request.method ? operation.path.exec(path) : null;
    if (match !== null) return { operation, ids: match.slice(1) };
  }
  return undefined;
};

const run = (plane: ControlPlane, request: LabRequest, operation: Operation, ids: readonly string[]): Reply => {
  const body = bodyOf(request);
  return body === undefined
    ? invalid('the body is not a JSON object')
    : operation.run({ store: plane.store, account: plane.account, ids, query: request.query, body });
};

/** callOf is a call as RAM sees it. */
const callOf = ({ store, account, keyOf }: ControlPlane, request: LabRequest, { action, limitedTo }: Operation, ids: readonly string[]): LabCall => {
  const runtime = store.currentRuntimes().find(({ id }) => id === ids[0]);
  const resource = limitedTo === undefined || runtime === undefined ? '*' : resourceArn(account, store.workspaces, runtime, limitedTo === 'endpoint' ? runtime.endpoints.get(ids[1] ?? '')?.name : undefined);
  const [, keyId = ''] = /Credential=([^,]+)/.exec(request.headers['authorization'] ?? '') ?? [];
  const policy = keyOf(keyId)?.policy;
  const right = `agentrun:${action}`;
  return { action: right, resource, method: request.method, path: request.path.slice(version.length + 1), allowed: policy === undefined || allows(policy, right, resource) };
};

/** controlHandler answers the OpenAPI of AgentRun, version 2025-09-10, to signed requests only. */
export const controlHandler =
  (plane: ControlPlane): LabHandler =>
  (request, response) => {
    const requestId = randomUUID().toUpperCase();
    const respond: Respond = (status, value, headers = {}) =>
      answerJson(response, status, value, { 'x-acs-request-id': requestId, ...headers });
    const refusal = plane.check.refuse(request);
    if (refusal !== undefined) {
      refuseAtGate(respond, refusal.status, refusal.code, refusal.message, requestId);
      return;
    }
    const { throttle } = plane;
    if (throttle.requests > 0) {
      throttle.requests -= 1;
      const seconds = String(throttle.retryAfterSeconds);
      const body = { Code: 'Throttling.User', Message: 'Request was denied due to user flow control.', RequestId: requestId };
      respond(throttle.status, body, { 'retry-after': seconds, 'x-acs-retry-after': seconds });
      return;
    }
    const found = find(request);
    const { 'x-acs-action': action, 'x-acs-version': sentVersion } = request.headers;
    if (found === undefined || action !== found.operation.action || sentVersion !== version) {
      refuseAtGate(respond, 404, 'InvalidAction.NotFound', 'Specified api is not found, please check your url and method.', requestId);
      return;
    }
    const call = callOf(plane, request, found.operation, found.ids);
    plane.calls.push(call);
    if (!call.allowed) {
      refuseAtGate(respond, 403, 'NoPermission', `You are not authorized to do this action. Action: ${call.action} Resource: ${call.resource}`, requestId);
      return;
    }
    const reply = run(plane, request, found.operation, found.ids);
    if ('code' in reply) respond(reply.status, { code: reply.code, message: reply.message, requestId });
    else respond(reply.status, { code: 'SUCCESS', requestId, data: reply.data });
  };
