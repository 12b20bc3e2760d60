import { randomBytes } from 'node:crypto';
import { readFaults } from './fault-reading.ts';
import type { Lab } from './lab.ts';
import { sameText } from './same-text.ts';
import { answerJson, startServer, type LabRequest } from './server.ts';

/** LabControl lets other processes seed a lab, break it and look into it, by HTTP with a bearer token. */
export interface LabControl {
  readonly origin: string;
  readonly token: string;
  close(): Promise<void>;
}

type Body = Readonly<Record<string, unknown>>;

interface Answer {
  readonly status: number;
  readonly value: unknown;
}

const ok = (value: unknown): Answer => ({ status: 200, value });

const refused = (message: string, status = 400): Answer => ({ status, value: { code: status === 404 ? 'not_found' : 'invalid', message } });

const isRecord = (value: unknown): value is Body => typeof value === 'object' && value !== null && !Array.isArray(value);

const readBody = (request: LabRequest): Body | undefined => {
  if (request.body.length === 0) return {};
  try {
    const value: unknown = JSON.parse(request.body.toString('utf8'));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

const textAt = (body: Body, name: string): string | undefined => {
  const value = body[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
};

const postFaults = (lab: Lab, body: Body): Answer => {
  const faults = readFaults(body['faults']);
  if (typeof faults === 'string') return refused(faults);
  const application = textAt(body, 'application');
  if (application === undefined) return refused('application is required: an app id, or the name of a runtime');
  const except = textAt(body, 'except');
  if (body['platform'] === 'dify') lab.dify.setFaults(application, except, faults);
  else if (body['platform'] === 'agentrun') lab.agentrun.setFaults(application, except, faults);
  else return refused('platform must be dify or agentrun');
  return ok({});
};

const getServed = (lab: Lab, query: URLSearchParams): Answer => {
  const application = query.get('application');
  if (application === null) return refused('application is required: an app id, or the name of a runtime');
  if (query.get('platform') === 'dify') return ok(lab.dify.served(application));
  if (query.get('platform') === 'agentrun') return ok(lab.agentrun.served(application, query.get('endpoint') ?? 'Default'));
  return refused('platform must be dify or agentrun');
};

const postApp = (lab: Lab, body: Body): Answer => {
  const dsl = textAt(body, 'dsl');
  if (dsl === undefined) return refused('dsl is required: the text of an exported app');
  return ok(lab.dify.createApp(dsl, typeof body['publish'] === 'boolean' ? { publish: body['publish'] } : {}));
};

const postRuntime = (lab: Lab, body: Body): Answer => {
  const name = textAt(body, 'name');
  if (name === undefined) return refused('name is required');
  const code = textAt(body, 'code');
  const endpoint = textAt(body, 'endpoint');
  const variables = isRecord(body['environmentVariables']) ? Object.entries(body['environmentVariables']) : undefined;
  return ok(
    lab.agentrun.createRuntime({
      name,
      ...(code === undefined ? {} : { code }),
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(variables === undefined
        ? {}
        : { environmentVariables: Object.fromEntries(variables.map(([key, value]) => [key, String(value)])) }),
    }),
  );
};

/** asked runs a call on a platform. They throw for names and texts that they do not take; over HTTP that is the caller's mistake. */
const asked = (run: () => Answer): Answer => {
  try {
    return run();
  } catch (error) {
    return refused(error instanceof Error ? error.message : String(error));
  }
};

const answer = async (lab: Lab, request: LabRequest): Promise<Answer> => {
  const body = readBody(request);
  if (body === undefined) return refused('the body is not a JSON object');
  switch (`${request.method} ${request.path}`) {
    case 'POST /faults':
      return asked(() => postFaults(lab, body));
    case 'GET /served':
      return asked(() => getServed(lab, request.query));
    case 'GET /messages':
      return ok({ messages: lab.inbox.messages(), refused: lab.inbox.refused() });
    case 'POST /apps':
      return asked(() => postApp(lab, body));
    case 'POST /runtimes':
      return asked(() => postRuntime(lab, body));
    case 'POST /gateway/reload':
      return ok(await lab.gateway.run(['nginx', '-s', 'reload']));
    default:
      return refused('no such path', 404);
  }
};

/** startLabControl starts the control server of a lab. */
export const startLabControl = async (lab: Lab): Promise<LabControl> => {
  const token = randomBytes(32).toString('base64url');
  const server = await startServer(async (request, response) => {
    if (!sameText(request.headers['authorization'] ?? '', `Bearer ${token}`)) {
      answerJson(response, 401, { code: 'unauthorized', message: 'send the bearer token that the lab printed' });
      return;
    }
    const { status, value } = await answer(lab, request);
    answerJson(response, status, value);
  });
  return { origin: server.origin, token, close: () => server.close() };
};
