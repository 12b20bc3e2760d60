import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@sluice/core';
import { detectHost } from '../src/index.ts';
import { captures, temporaryFolder } from './fakes.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

test.each([
  ['pull_request', 'acme/app', true],
  ['pull_request', 'stranger/app', false],
  ['pull_request', '', false],
  ['pull_request_target', 'acme/app', false],
])('on %s from "%s" the identity token of the job can be had: %p', async (event, head, given) => {
  await writeFile(join(folder.path, 'event.json'), JSON.stringify({ repository: { full_name: 'acme/app' }, pull_request: { number: 12, head: { repo: { full_name: head } }, base: { repo: { full_name: 'acme/app' } } } }));
  const host = await detectHost(
    { GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: event, GITHUB_EVENT_PATH: join(folder.path, 'event.json'), GITHUB_REPOSITORY: 'acme/app', ACTIONS_ID_TOKEN_REQUEST_URL: 'http://127.0.0.1:1/token', ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request-token', RUNNER_TEMP: folder.path },
    captures(),
    { folder: folder.path, clock: systemClock() },
  );
  expect(host.identityToken !== undefined).toBe(given);
  await host.close();
});
