import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { done, systemClock, type Outcome } from '@sluice/core';
import { difyPlatform } from '@sluice/dify';
import { createNginxGateway } from '@sluice/gateway';
import { chatflow, sourceOf, textOf } from '../../packages/dify/test/dsl.ts';
import { withSecret } from '../../packages/dify/test/fixtures.ts';
import { connectionTo, openHouse, value, type House } from '../../packages/dify/test/harness.ts';
import { connectionOf, gatewayOf } from '../../packages/gateway/test/ports.ts';
import { application, installed, startServerBlocks, type Nginx } from './nginx-program.ts';

/** page is what Dify's own nginx gives for every path that it does not know, /health among them: the web app, with status 200. */
const page = `default_type text/html; return 200 '<!DOCTYPE html><html><title>Dify</title></html>';`;

let house: House;
let nginx: Nginx;
beforeAll(async () => {
  await installed();
  house = await openHouse();
  const { host } = new URL(house.lab.origin);
  const passed = `proxy_pass ${house.lab.origin}; proxy_set_header Host ${host};`;
  nginx = await startServerBlocks(application, (_, port) => ({
    http: `server {
      listen 127.0.0.1:${port};
      location / { ${page} }
      location /console/api { ${passed} }
      location /v1 { ${passed} }
      location /wrong/ { ${page} }
    }`,
    files: {},
  }));
});
afterAll(async () => {
  await nginx.close();
  await house.close();
});

const checked = async (console: string, api: string): Promise<readonly Outcome<string>[]> => {
  const app = house.lab.createApp(textOf(withSecret(chatflow())));
  const connection = connectionTo(house, app.appId, sourceOf(chatflow()), { environment: { dify: { console, api, app: app.appId } }, secrets: { DIFY_APP_KEY: app.apiKey } });
  const target = value(await difyPlatform.connect(connection));
  return Promise.all(target.checks().map((rung) => rung.run(new AbortController().signal)));
};

test('the page is what nginx answers for /health', async () => {
  const health = await fetch(`${nginx.origin}/health`);
  expect([health.status, health.headers.get('content-type'), await health.text()]).toEqual([200, 'text/html', expect.stringContaining('<html>')]);
});

test('an app behind it is found healthy by what speaks JSON', async () => {
  for (const rung of await checked(nginx.origin, `${nginx.origin}/v1`)) expect(rung).toMatchObject({ ok: true });
});

test('an address that gives the page for everything is not healthy, although every answer is 200', async () => {
  const rungs = await checked(`${nginx.origin}/wrong`, `${nginx.origin}/wrong/v1`);
  expect(rungs.length).toBeGreaterThanOrEqual(2);
  for (const rung of rungs) expect(rung).toMatchObject({ ok: false, problem: { reason: expect.stringMatching(/HTML|page/i) } });
});

test('a gateway that gives the page instead of its split serves nothing that is known', async () => {
  const gateway = gatewayOf('/nowhere/include.conf', `${nginx.origin}/v1`);
  const connection = connectionOf({ clock: systemClock() });
  const traffic = createNginxGateway({ application, kind: 'chat', gateway, api: `${nginx.origin}/v1`, connection });
  expect(await traffic.read()).toEqual(done({ split: { stable: '', weight: 0 }, reach: 'configured' }));
  expect(connection.lines).toEqual([expect.stringContaining('does not say which split it serves')]);
});
