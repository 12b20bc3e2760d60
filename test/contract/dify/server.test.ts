/*
 * What a Dify server answers, by release. One table of requests (expectations/) and one of answers (answers/), for the lab in
 * each of its dialects and, unchanged, for a real server. No request is mocked. A difference is a mistake of the lab, or news.
 *
 * For a real server, set
 *   SLUICE_CONTRACT_DIFY_URL        its address, without a path
 *   SLUICE_CONTRACT_DIFY_EMAIL      an account that owns its workspace and is used by nobody else
 *   SLUICE_CONTRACT_DIFY_PASSWORD   its password
 *   SLUICE_CONTRACT_DIFY_ADMIN_KEY  the server's ADMIN_API_KEY, if that is to be tried, too, and
 *   SLUICE_CONTRACT_DIFY_WORKSPACE  the id of the account's workspace, with it
 *   SLUICE_CONTRACT_DIFY_MODEL      a usable model, if apps without a workflow are to be tried: <provider>/<name>
 *   SLUICE_CONTRACT_DIFY_MEMBERS    accounts of that workspace, if roles are to be tried: admin=<email>,editor=<email>,normal=<email>
 *   SLUICE_CONTRACT_DIFY_MEMBER_PASSWORD  their password, with it
 * and run `npm test -- test/contract`. The suite makes apps named "contract …" and deletes them. It sends a wrong password twice,
 * each time followed by the right one, and logs out two sessions of its own. The server needs no model, sandbox or knowledge base;
 * an export needs its plugin daemon, and from 1.13 on a stream needs its worker.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { difyVersions } from '@sluice/lab';
import { readFileSync } from 'node:fs';
import { answerFor, type Answers, type Expectation } from './expectation.ts';
import { configurations } from './expectations/configurations.ts';
import { doors } from './expectations/doors.ts';
import { drafts } from './expectations/drafts.ts';
import { imports } from './expectations/imports.ts';
import { keys } from './expectations/keys.ts';
import { members } from './expectations/members.ts';
import { service } from './expectations/service.ts';
import { versions } from './expectations/versions.ts';
import { workspace } from './expectations/workspace.ts';
import { labServer, realServer, type ContractServer } from './servers.ts';
import { openWorld, sweep, type World } from './world.ts';

const tables: Readonly<Record<string, readonly Expectation[]>> = { doors, imports, service, drafts, versions, keys, workspace, configurations, members };

const answersOf = (table: string): Readonly<Record<string, Answers>> => JSON.parse(readFileSync(new URL(`./answers/${table}.json`, import.meta.url), 'utf8'));

/** comparable is a value as JSON has it, since the answers are kept so. */
const comparable = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));

const has = (server: ContractServer, needs: NonNullable<Expectation['needs']>): boolean => {
  switch (needs) {
    case 'adminKey': return server.adminKey !== '';
    case 'model': return server.model !== '';
    case 'members': return ['admin', 'editor', 'normal'].every((role) => server.members[role] !== undefined);
  }
};

const compare = (start: () => Promise<ContractServer>): void => {
  let server: ContractServer;
  let world: World;
  beforeAll(async () => {
    server = await start();
    world = await openWorld(server);
  }, 120_000);
  afterAll(async () => {
    await world.close();
    await sweep(world);
    await server.close();
  }, 60_000);
  for (const [table, expectations] of Object.entries(tables)) {
    const answers = answersOf(table);
    describe(table, () => {
      test.each(expectations.map((expectation) => [expectation.name, expectation] as const))('%s', async (name, { ask, needs }) => {
        if (needs !== undefined && !has(server, needs)) {
          process.stderr.write(`contract/dify: not asked of ${server.name}, it has no ${needs}: ${name}\n`);
          return;
        }
        expect(comparable(await ask(world))).toEqual(answerFor(answers[name] ?? {}, world.release));
      }, 60_000);
    });
  }
};

test.each(Object.entries(tables))('every request of the table %s has answers, and the other way round', (table, expectations) => {
  expect(expectations.map(({ name }) => name).sort()).toEqual(Object.keys(answersOf(table)).sort());
});

describe.each(difyVersions)('the lab as Dify %s', (version) => compare(() => labServer(version)));

const real = realServer(process.env);
if (real === undefined) process.stderr.write('contract/dify: not run against a real server, SLUICE_CONTRACT_DIFY_URL is not set\n');
else describe('a real server', () => compare(() => Promise.resolve(real)));
