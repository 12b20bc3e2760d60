import { done, failed, type Checked, type Connection, type ConnectionCheck, type Outcome } from '@sluice/core';
import { needsOf } from '../source/needs.ts';
import { AgentRunSource } from '../source/source.ts';
import { noCredentials } from '../credentials/chain.ts';
import { accountOf, guardAccount, guardRuntime, openingOf, workspaceOf, type Opening } from './connect.ts';
import { contextOf, findUsersEndpoint, type AgentRunContext } from './context.ts';
import { splitOf, splitText } from './routing.ts';
import type { Endpoint, Runtime } from './wire.ts';

/** Seen is what the checks before have found. */
interface Seen {
  context: AgentRunContext;
  runtime?: Runtime;
  users?: Endpoint;
}

type Found = Outcome<string> | { readonly skipped: string };

const certificateCode = /CERT|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET)|ERR_TLS|ERR_SSL/;

/** address asks without credentials: any answer shows that the control plane is there. */
const address = async ({ options }: Opening, insecure: boolean): Promise<readonly ConnectionCheck[]> => {
  const { http, control, signal } = options;
  const answered = await http.send({ method: 'GET', url: `${control.replace(/\/$/, '')}/`, tried: 'reach the control plane', signal });
  const answers = done(`${control} answers`);
  if (answered.ok) {
    const protection = control.startsWith('https:') ? 'the certificate is trusted' : insecure ? 'none: plain http, as insecure-http allows' : 'none: plain http on this machine';
    return [{ name: 'address', outcome: answers }, { name: 'TLS', outcome: done(protection) }];
  }
  if (certificateCode.test(answered.problem.answer?.code ?? '')) return [{ name: 'address', outcome: answers }, { name: 'TLS', outcome: answered }];
  return [{ name: 'address', outcome: answered }];
};

const minutes = (milliseconds: number): string => `${Math.max(0, Math.floor(milliseconds / 60_000))} minutes`;

const credentials = async ({ session, options }: Opening): Promise<Found> => {
  const issued = await session.issued();
  if (!issued.ok) return issued.problem.reason === noCredentials ? { skipped: `not checked, since ${noCredentials}: ${issued.problem.where ?? ''}` } : issued;
  const { expiresAt } = issued.value;
  const end = expiresAt === undefined ? '' : `, for ${minutes(expiresAt - options.clock.now())} more${session.source.renews ? ' and then renewed' : ''}`;
  return done(`${session.source.kind}${end}`);
};

const account = async (opening: Opening): Promise<Found> => {
  const guarded = await guardAccount(opening);
  if (!guarded.ok) return guarded;
  if (opening.expected !== undefined) return done(`${opening.expected}, as sluice.yml names it`);
  const found = await accountOf(opening);
  // Without a guard the account is worth knowing and not worth failing for.
  return found.ok ? done(`${found.value}; name it as agentrun.account in sluice.yml, so that no other is taken`) : { skipped: `not known: ${found.problem.reason}` };
};

const workspace = async (_opening: Opening, seen: Seen): Promise<Found> => {
  const found = await workspaceOf(seen.context);
  if (!found.ok) return found;
  const { value: id } = found;
  if (id !== undefined) seen.context = contextOf({ ...seen.context, workspaceId: id });
  const named = seen.context.source.parts.agent.workspace?.name;
  return done(id === undefined ? "the account's default workspace" : named === undefined ? id : `${named} (${id})`);
};

const runtime = async ({ expected }: Opening, seen: Seen): Promise<Found> => {
  const { api, source, workspaceId } = seen.context;
  const listed = await api.findRuntime(source.title, workspaceId);
  if (!listed.ok) return listed;
  if (listed.value === undefined) return { skipped: `there is no runtime named "${source.title}" in ${source.parts.region} yet; the first release makes it with create` };
  const owned = guardRuntime(seen.context, expected, listed.value);
  if (!owned.ok) return owned;
  const found = await api.getRuntime(listed.value.id);
  if (!found.ok) return found;
  seen.runtime = found.value;
  return done(`"${found.value.name}" (${found.value.id}), ${found.value.status}`);
};

const endpoint = async (_opening: Opening, seen: Seen): Promise<Found> => {
  const { context, runtime: owner } = seen;
  if (owner === undefined) return { skipped: 'not asked, since there is no runtime yet' };
  const found = await findUsersEndpoint(context, owner.id);
  if (!found.ok) return found;
  if (found.value === undefined) return { skipped: `runtime "${owner.name}" has no endpoint named "${context.endpoint}" yet; the first release makes it` };
  const split = splitOf(found.value, context.weights);
  return split.ok ? done(`"${found.value.name}" (${found.value.id}), ${found.value.status}, ${splitText(split.value)}`) : split;
};

const rights = async (_opening: Opening, seen: Seen): Promise<Found> => {
  if (seen.runtime === undefined) return { skipped: 'not asked, since there is no runtime yet' };
  const versions = await seen.context.api.listVersions(seen.runtime.id);
  if (!versions.ok) return versions;
  return done(`the published versions can be read (${versions.value.length}); what may be written shows at the first write`);
};

const steps: readonly (readonly [name: string, ask: (opening: Opening, seen: Seen) => Promise<Found>])[] = [
  ['credentials', credentials],
  ['account', account],
  ['region', ({ options: { source, control } }) => Promise.resolve(done(`${source.parts.region}, at ${control}`))],
  ['workspace', workspace],
  ['runtime', runtime],
  ['endpoint', endpoint],
  ['rights', rights],
];

/** way asks for address, TLS, credentials, account, region, workspace, runtime, endpoint and rights, in this order, to the first that fails. */
const way = async (connection: Connection): Promise<readonly ConnectionCheck[]> => {
  const opening = openingOf(connection);
  if (!opening.ok) {
    const { problem } = opening;
    return [problem.reason === noCredentials ? { name: 'credentials', skipped: `not checked, since ${noCredentials}: ${problem.where ?? ''}` } : { name: 'credentials', outcome: failed(problem) }];
  }
  const checks = [...(await address(opening.value, connection.environment['insecure-http']))];
  const seen: Seen = { context: contextOf(opening.value.options) };
  for (const [name, ask] of steps) {
    if (checks.some((check) => check.outcome?.ok === false)) break;
    const found = await ask(opening.value, seen);
    checks.push('skipped' in found ? { name, ...found } : { name, outcome: found });
    // Without credentials nothing more can be asked.
    if (name === 'credentials' && 'skipped' in found) break;
  }
  return checks;
};

/** checkEnvironment asks for the way to an environment. What an agent names beside it, no call of AgentRun can look for: each is told with the reason. */
export const checkEnvironment = async (connection: Connection): Promise<Checked> => {
  const { source } = connection;
  const needs = source instanceof AgentRunSource ? needsOf(source.parts.agent) : [];
  return { connection: await way(connection), environment: needs.map(({ name, unasked }) => ({ name, skipped: unasked, findings: [] })) };
};
