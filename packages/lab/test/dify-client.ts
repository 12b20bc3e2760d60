import type { LabDify } from '../src/dify/index.ts';

/** Got is a whole answer. */
export interface Got {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly text: string;
  readonly headers: Headers;
}

export const read = async (response: Response): Promise<Got> => {
  const text = await response.text();
  let body: Record<string, unknown> = {};
  try {
    body = JSON.parse(text) as Record<string, unknown>;
  } catch {
    // Pages and streams are looked at as text.
  }
  return { status: response.status, body, text, headers: response.headers };
};

/** Caller asks the console with the admin key or the service API with an app's key. */
export const caller =
  (base: string, headers: Record<string, string>) =>
  async (method: string, path: string, body?: unknown): Promise<Got> =>
    read(
      await fetch(`${base}${path}`, {
        method,
        headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );

export const admin = (lab: LabDify): ReturnType<typeof caller> =>
  caller(`${lab.origin}/console/api`, {
    authorization: `Bearer ${lab.credentials.adminKey}`,
    'x-workspace-id': lab.credentials.workspaceId,
  });

/** owner asks the console with a session of the lab's owner (cookies and a CSRF header). */
export const owner = async (lab: LabDify): Promise<ReturnType<typeof caller>> => {
  const { email, password } = lab.credentials;
  const login = await fetch(`${lab.origin}/console/api/login`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ email, password: Buffer.from(password).toString('base64') }),
  });
  const cookies = login.headers.getSetCookie().map((line) => line.split(';')[0] ?? '');
  const csrf = cookies.find((cookie) => cookie.startsWith('csrf_token='))?.slice('csrf_token='.length) ?? '';
  return caller(`${lab.origin}/console/api`, { cookie: cookies.join('; '), 'x-csrf-token': csrf });
};

export const service = (lab: LabDify, key: string): ReturnType<typeof caller> =>
  caller(`${lab.origin}/v1`, { authorization: `Bearer ${key}` });

/** events reads the JSON of all server-sent events of a stream. */
export const events = (text: string): Record<string, unknown>[] =>
  text
    .split('\n\n')
    .filter((block) => block.startsWith('data: '))
    .map((block) => JSON.parse(block.slice('data: '.length)) as Record<string, unknown>);
