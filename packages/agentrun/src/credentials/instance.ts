import { failed, instanceMetadata, readJson, type HttpResponse, type Outcome } from '@sluice/core';
import { isRecord } from '../source/json.ts';
import { readIssued } from './answer.ts';
import type { CredentialSource, Surroundings } from './source.ts';

const tried = "get the credentials of this instance's RAM role";
const roles = '/latest/meta-data/ram/security-credentials/';
/** reachMs is short: where there is no instance, nothing answers at all. */
const reachMs = 1000;
const readMs = 5000;
/** tokenSeconds is how long the token of the metadata service lives; it is used for the next two requests only. */
const tokenSeconds = 60;

const wrong = (reason: string, hint: string, status?: number): Outcome<never> =>
  failed({ category: 'platform', reason, tried, where: instanceMetadata, ...(status === undefined ? {} : { answer: { status } }), hint });

/** tokenOf asks for a token of the metadata service (IMDSv2). Without one nothing is asked: the first form of that service answers whoever can make this machine send a GET. */
const tokenOf = ({ http, signal }: Surroundings): Promise<Outcome<HttpResponse>> =>
  http.send({ method: 'PUT', url: `${instanceMetadata}/latest/api/token`, headers: { 'x-aliyun-ecs-metadata-token-ttl-seconds': String(tokenSeconds) }, metadata: true, tried, deadlineMs: reachMs, repeatable: false, signal });

/** roleOfInstance gives the credentials of the RAM role of the ECS instance that the job runs on. `none` is the answer where there is no such instance. */
export const roleOfInstance = async (surroundings: Surroundings, none: () => Outcome<never>): ReturnType<CredentialSource['obtain']> => {
  const { http, signal, setting, mask } = surroundings;
  const token = await tokenOf(surroundings);
  if (!token.ok) return token.problem.category === 'cancelled' ? token : none();
  if (token.value.status !== 200) return wrong('the metadata service of this instance gives no token', 'Sluice asks it in its hardened form (IMDSv2) only; let the instance answer that.', token.value.status);
  mask(token.value.text.trim());
  const read = (path: string): Promise<Outcome<HttpResponse>> =>
    http.send({ method: 'GET', url: `${instanceMetadata}${roles}${path}`, headers: { 'x-aliyun-ecs-metadata-token': token.value.text.trim() }, metadata: true, tried, deadlineMs: readMs, signal });
  const named = setting('ALIBABA_CLOUD_ECS_METADATA');
  const listed = named === undefined ? await read('') : undefined;
  if (listed?.ok === false) return listed;
  const role = named ?? (listed?.value.status === 200 ? listed.value.text.trim() : '');
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(role)) return wrong('this instance has no RAM role', 'Attach a RAM role to the instance, or set ALIBABA_CLOUD_ECS_METADATA to the name of the one it has.', listed?.value.status);
  const given = await read(role);
  if (!given.ok) return given;
  const json = readJson(given.value, tried);
  if (given.value.status !== 200 || !json.ok || !isRecord(json.value) || json.value['Code'] !== 'Success') return wrong(`the metadata service gives no credentials of the role ${role}`, 'Check that the role is attached to this instance.', given.value.status);
  return readIssued(json.value, tried, instanceMetadata, mask);
};
