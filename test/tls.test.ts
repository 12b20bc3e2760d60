import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { project, repository, sluice } from './sluice-process.ts';

const certificates = join(repository, 'packages/core/test/certificates');

let server: Server;
let origin = '';
let asked = 0;
let authority = '';
let dsl = '';

beforeAll(async () => {
  authority = await readFile(join(certificates, 'ca.pem'), 'utf8');
  dsl = await readFile(join(repository, 'examples/support-bot/app/support-bot.yml'), 'utf8');
  const identity = { key: await readFile(join(certificates, 'server.key')), cert: await readFile(join(certificates, 'server.pem')) };
  server = createServer(identity, (_request, response) => {
    asked += 1;
    response.setHeader('content-type', 'text/html').end('<html>a page</html>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const configuration = (more: string): string => `
name: bot
source: app.yml
environments:
  production:
    branches: [main]
    dify: { console: ${origin}, app: 0b9c2f4e-6a1d-4f7e-9c55-2f1d9a7e4b10${more} }
    variables: { CRM_TOKEN: none, CRM_URL: none }
`;

test('an authority in sluice.yml stands beside those of NODE_EXTRA_CA_CERTS, not in their place', async () => {
  asked = 0;
  const folder = await project({ 'sluice.yml': configuration(', ca: other.pem'), 'app.yml': dsl, 'other.pem': rootCertificates[0] ?? '', 'ca.pem': authority });
  const environment = { DIFY_EMAIL: 'ada@example.com', DIFY_PASSWORD: 'correct horse', NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') };
  const ended = await sluice(['deploy', '--environment', 'production'], { folder, environment });
  expect({ code: ended.code, reached: asked > 0 }).toEqual({ code: 4, reached: true });
  expect(ended.stdout + ended.stderr).toMatch(/the server answered HTML, not JSON/);
});

test.each<[name: string, more: string, code: number, said: RegExp, reached: boolean]>([
  ['without an authority', '', 4, /the server's certificate is not trusted[^]*next: .*`ca` in sluice\.yml/, false],
  ['with its authority', ', ca: ca.pem', 4, /the server answered HTML, not JSON/, true],
  ['with an authority that is no certificate', ', ca: app.yml', 2, /cannot be read as certificates[^]*next: Give a PEM file/, false],
  ['with a file that is not there', ', ca: none.pem', 2, /none\.pem/, false],
])('a Dify of a private authority, %s', async (_name, more, code, said, reached) => {
  asked = 0;
  const folder = await project({ 'sluice.yml': configuration(more), 'app.yml': dsl, 'ca.pem': authority });
  const ended = await sluice(['deploy', '--environment', 'production'], { folder, environment: { DIFY_EMAIL: 'ada@example.com', DIFY_PASSWORD: 'correct horse' } });
  expect({ code: ended.code, reached: asked > 0 }).toEqual({ code, reached });
  expect(ended.stdout + ended.stderr).toMatch(said);
});
