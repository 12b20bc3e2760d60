import { done, draft, failed, live, type Opened, type Outcome, type Question, type Reply } from '@sluice/core';
import { hasGraph } from '../source/dsl.ts';
import { isUuid } from './address.ts';
import { noApplication, type Application } from './application.ts';
import { adminKeyRunsChatDrafts, atLeast } from './release.ts';
import { heardFrom, openService, refusedDraft, unanswered } from './service.ts';
import { silenceExplained } from './silent-stream.ts';

const withPath = (address: string): string => {
  const url = new URL(address);
  return url.pathname === '/' ? `${url.origin}/v1` : address.replace(/\/+$/, '');
};

/** usersAddress is the service API where users call: the gateway's address when it has one. */
export const usersAddress = (application: Application): string => {
  const gateway = application.connection.environment.gateway?.address;
  return gateway === undefined ? application.address.api : withPath(gateway);
};

/** askDraft runs the draft through the console, which only streams. The server names the draft's own row as the version. */
const askDraft = async (application: Application, row: string, question: Question, signal: AbortSignal): Promise<Outcome<Reply>> => {
  const { connection, session, mode } = application;
  const chat = mode === 'advanced-chat';
  const path = `/apps/${application.id()}${chat ? '/advanced-chat' : ''}/workflows/draft/run`;
  const body = chat ? { inputs: question.inputs, query: question.query ?? '' } : { inputs: question.inputs };
  const begun = connection.clock.elapsed();
  const latency = (): number => connection.clock.elapsed() - begun;
  const tried = `run the draft of app ${application.id()}`;
  const stream = await session.stream({ method: 'POST', path, body, tried, repeatable: false, signal });
  if (!stream.ok) return unanswered(stream.problem, latency());
  if (stream.value.kind === 'whole') {
    return stream.value.response.status >= 400
      ? refusedDraft(stream.value.response, tried, `${application.address.console}${path}`, latency())
      : failed({ category: 'platform', reason: 'the console answered a draft run with no stream of events', tried });
  }
  const reply = await heardFrom(stream.value, chat, latency, silenceExplained(application));
  return reply.ok && reply.value.version === row ? done({ ...reply.value, version: draft }) : reply;
};

/** runsDrafts refuses beforehand what would fail on the way in, and so look like a broken draft. */
const runsDrafts = async ({ session, mode, address }: Application): Promise<Outcome<void>> => {
  const [release, entry] = [await session.release(), await session.signedIn()];
  if (!release.ok) return release;
  if (!entry.ok) return entry;
  if (entry.value.kind !== 'admin-key' || mode !== 'advanced-chat' || adminKeyRunsChatDrafts(release.value)) return done(undefined);
  return failed({
    category: 'input',
    reason: `Dify ${release.value} cannot run the draft of a chatflow for the admin key: it answers with an error of its own`,
    where: address.studio,
    hint: 'Set DIFY_EMAIL and DIFY_PASSWORD in its place, or update Dify to 1.13.3 or later.',
  });
};

const openDraft = async (application: Application): Promise<Outcome<Opened>> => {
  if (!hasGraph(application.mode)) {
    return failed({ category: 'input', reason: `${application.mode} apps have no draft that could be asked` });
  }
  const possible = await runsDrafts(application);
  if (!possible.ok) return possible;
  const current = await application.console.draft(application.id());
  if (!current.ok) return current;
  const row = current.value?.id;
  if (row === undefined) return failed({ category: 'input', reason: 'the app has no draft yet', where: application.address.studio, hint: 'Deploy first.' });
  return done({
    version: draft,
    how: 'draft run through the console',
    ask: (question, signal) => askDraft(application, row, question, signal),
    close: () => Promise.resolve(done(undefined)),
  });
};

const openPublished = async (application: Application, version: string): Promise<Outcome<Opened>> => {
  const release = await application.session.release();
  if (!release.ok) return release;
  if (!isUuid(version)) return failed({ category: 'input', reason: `"${version}" is no version of a Dify app`, hint: 'A version is a workflow id, draft or live.' });
  if (!hasGraph(application.mode)) return failed({ category: 'input', reason: `${application.mode} apps have no versions that could be asked` });
  if (!atLeast(release.value, '1.7.2')) {
    return failed({ category: 'input', reason: `Dify ${release.value} cannot run a chosen version; that came with 1.7.2`, hint: 'Update Dify, or ask the draft or the live version.' });
  }
  return done(openService(application, application.address.api, version, 'version named in the request, straight at the service API', version));
};

/** openVersion opens the draft, a published version by its id, or the address that users have. */
export const openVersion = async (application: Application, version: string): Promise<Outcome<Opened>> => {
  if (application.id() === '') return noApplication(application.address);
  if (version === draft) return openDraft(application);
  if (version === live) return done(openService(application, usersAddress(application), live, "the users' own address"));
  return openPublished(application, version);
};
