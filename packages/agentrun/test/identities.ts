import { done, failed, systemClock, type Clock, type HttpClient, type HttpRequest } from '@sluice/core';
import type { LabAgentRun } from '@sluice/lab';
import type { Surroundings } from '../src/credentials/source.ts';
import { secretsOf } from './fixture.ts';

/** Around is what a test sets of the surroundings. */
export interface Around {
  readonly secrets?: Readonly<Record<string, string>>;
  readonly settings?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly identityToken?: Surroundings['identityToken'];
  readonly http?: HttpClient;
  readonly clock?: Clock;
  readonly deadlineMs?: number;
  readonly name?: string;
  readonly policy?: string;
  readonly sts?: string;
}

/** unreachable answers nothing. */
export const unreachable: HttpClient = {
  send: ({ tried }) => Promise.resolve(failed({ category: 'timeout', reason: 'no answer within 1s', tried })),
  stream: () => Promise.reject(new Error('not used')),
  close: () => Promise.resolve(),
};

/** anything is a session policy that allows all. */
export const anything = '{"Version":"1","Statement":[{"Effect":"Allow","Action":["*"],"Resource":["*"]}]}';

/** surroundings are those of a job, and what was masked in it. */
export const surroundings = (around: Around): Surroundings & { readonly masked: string[] } => {
  const masked: string[] = [];
  const { secrets = {}, settings = {}, files = {}, identityToken, http = unreachable, clock = systemClock(), deadlineMs = 600_000, name = 'orders-production', policy = anything, sts = 'https://sts.cn-hangzhou.aliyuncs.com' } = around;
  return {
    masked,
    ...{ name, deadlineMs, http, clock, sts },
    signal: new AbortController().signal,
    secrets: secretsOf(secrets),
    setting: (variable) => settings[variable],
    mask: (secret) => masked.push(secret),
    credentialFile: (path) => Promise.resolve(files[path] === undefined ? failed({ category: 'input', reason: `${path} does not exist` }) : done(files[path])),
    policy: () => Promise.resolve(policy),
    ...(identityToken === undefined ? {} : { identityToken }),
  };
};

/** withInstance sends what is meant for the metadata service to the lab's, and keeps all requests. */
export const withInstance = (http: HttpClient, lab: LabAgentRun): HttpClient & { readonly sent: HttpRequest[] } => {
  const sent: HttpRequest[] = [];
  return {
    ...http,
    sent,
    send: (request) => {
      sent.push(request);
      const { metadata, ...plain } = request;
      return metadata === true ? http.send({ ...plain, url: request.url.replace('http://100.100.100.200', lab.instance) }) : http.send(request);
    },
  };
};
