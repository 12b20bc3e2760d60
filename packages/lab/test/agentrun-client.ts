import { createHash, createHmac, randomUUID } from 'node:crypto';
import type { LabAgentRun } from '../src/agentrun/index.ts';

/** Answered is one answer of a lab server. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // Tests look into bodies of every shape.
  readonly json: Body;
}

/** Body is a JSON object whose members are looked at in expectations. */
export interface Body {
  readonly [key: string]: unknown;
  readonly data?: { readonly [key: string]: unknown; readonly items?: readonly { readonly [key: string]: unknown }[] };
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Overrides change one part of a correct request, so that a test can see it refused. */
export interface Overrides {
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly secret?: string;
  readonly accessKeyId?: string;
  /** unsigned names headers that are sent but left out of the signature. */
  readonly unsigned?: readonly string[];
  readonly signedBody?: string;
}

/** signedHeaders signs a request with its own few lines, so that the lab's check is not compared with itself. */
export const signedHeaders = (
  lab: LabAgentRun,
  request: { method: string; target: string; action: string; body?: string | undefined },
  overrides: Overrides = {},
): Record<string, string> => {
  const { accessKeyId, accessKeySecret, securityToken } = lab.credentials;
  const [path = '', query = ''] = request.target.split('?');
  const sent: Record<string, string | undefined> = {
    host: new URL(lab.control).host,
    'x-acs-action': request.action,
    'x-acs-version': '2025-09-10',
    'x-acs-date': new Date().toISOString().replace(/\.\d+Z/, 'Z'),
    'x-acs-signature-nonce': randomUUID(),
    'x-acs-content-sha256': hash(overrides.signedBody ?? request.body ?? ''),
    ...(securityToken === undefined ? {} : { 'x-acs-security-token': securityToken, 'x-acs-accesskey-id': accessKeyId }),
    ...(request.body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
    ...overrides.headers,
  };
  const headers = Object.fromEntries(Object.entries(sent).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  const names = Object.keys(headers).filter((name) => !(overrides.unsigned ?? []).includes(name)).sort();
  const canonical = [request.method, path, query.split('&').sort().join('&'), ...names.map((name) => `${name}:${headers[name]}`), '', names.join(';'), headers['x-acs-content-sha256'] ?? ''].join('\n');
  const signature = createHmac('sha256', overrides.secret ?? accessKeySecret).update(`ACS3-HMAC-SHA256\n${hash(canonical)}`).digest('hex');
  return {
    ...headers,
    authorization: `ACS3-HMAC-SHA256 Credential=${overrides.accessKeyId ?? accessKeyId},SignedHeaders=${names.join(';')},Signature=${signature}`,
  };
};

const answered = async (response: Response): Promise<Answered> => {
  const text = await response.text();
  let json: Body = {};
  if ((response.headers.get('content-type') ?? '').startsWith('application/json')) json = JSON.parse(text);
  return { status: response.status, headers: response.headers, text, json };
};

/** sendSigned sends headers that were signed before, or should not have been. */
export const sendSigned = async (lab: LabAgentRun, method: string, target: string, headers: Record<string, string>, body?: string): Promise<Answered> =>
  answered(await fetch(`${lab.control}${target}`, { method, headers, ...(body === undefined ? {} : { body }) }));

/** control calls one operation of the control plane, correctly signed unless overrides say otherwise. */
export const control = (lab: LabAgentRun, method: string, path: string, action: string, value?: object, overrides: Overrides = {}): Promise<Answered> => {
  const target = `/2025-09-10${path}`;
  const body = value === undefined ? undefined : JSON.stringify(value);
  return sendSigned(lab, method, target, signedHeaders(lab, { method, target, action, body }, overrides), body);
};

/** chatUrl is where an endpoint's chat completions are asked. */
export const chatUrl = (lab: LabAgentRun, runtime: string, endpoint: string): string =>
  `${lab.data}/agent-runtimes/${runtime}/endpoints/${endpoint}/invocations/openai/v1/chat/completions`;

/** ask sends one question to an endpoint. */
export const ask = async (lab: LabAgentRun, runtime: string, endpoint: string, query: string, options: { session?: string; stream?: boolean; headers?: Record<string, string>; usage?: boolean } = {}): Promise<Answered> =>
  answered(
    await fetch(chatUrl(lab, runtime, endpoint), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(options.session === undefined ? {} : { 'x-agentrun-session-id': options.session }),
        ...options.headers,
      },
      body: JSON.stringify({
        messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: query }],
        stream: options.stream ?? false,
        ...(options.usage === true ? { stream_options: { include_usage: true } } : {}),
      }),
    }),
  );
