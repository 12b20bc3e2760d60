/*
 * docs/agentrun.md says what one would see. Its commands run, one after the other, against the lab, and what they print is compared
 * line by line after addresses, ids, digests and times have been made the page's own; a line that ends in … is compared up to there.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startLab, type Lab } from '@sluice/lab';
import { project, repository, sluice } from './sluice-process.ts';

const example = join(repository, 'examples/order-agent');
const account = '1234567890123456';

let lab: Lab;
let folder: string;

const codeFiles = (): Record<string, string> => Object.fromEntries(readdirSync(join(example, 'code')).map((name) => [`code/${name}`, readFileSync(join(example, 'code', name), 'utf8')]));

/** configOf is the example's sluice.yml at the lab's addresses, without the channels that nobody listens to. */
const configOf = (text: string): string => {
  const { control, data, sts, logs, metrics, accountId } = lab.agentrun;
  const at = `account: "${accountId}", control: "${control}", data: "${data}", sts: "${sts}", logs: "${logs}", metrics: "${metrics}" }`;
  return text.replace(/account: "1234567890123456" \}/, at).replace(/    variables:\n      ORDERS_TOKEN:.*\n/, '').replace(/\nnotify:[^]*$/, '\n');
};

beforeAll(async () => {
  lab = await startLab({ timeScale: 20 });
  const agent = (await readFile(join(example, 's.prod.yaml'), 'utf8')).replaceAll(account, lab.agentrun.accountId);
  folder = await project({
    'sluice.yml': configOf(await readFile(join(example, 'sluice.yml'), 'utf8')),
    's.prod.yaml': agent,
    's.staging.yaml': (await readFile(join(example, 's.staging.yaml'), 'utf8')),
    ...codeFiles(),
    'state/.keep': '',
  });
  lab.agentrun.createRuntime({ name: 'order-agent-prod', endpoint: 'production', logs: { project: 'order-agent-prod', logstore: 'requests' } });
}, 30_000);
afterAll(() => lab.close());

/** shown is what is printed, as the page has it. */
const shown = (text: string): readonly string[] => {
  const { data, sts, accountId, credentials } = lab.agentrun;
  const runtime = /ar-[0-9a-f-]{8,}/.exec(text)?.[0] ?? 'ar-none';
  return text
    .replaceAll(data, `https://${account}.agentrun-data.cn-hangzhou.aliyuncs.com`)
    .replaceAll(lab.agentrun.control, 'https://agentrun.cn-hangzhou.aliyuncs.com')
    .replaceAll(sts, 'https://sts.cn-hangzhou.aliyuncs.com')
    .replaceAll(accountId, account)
    .replaceAll(credentials.accessKeyId, 'LTAI…')
    .replaceAll(runtime, 'ar-7f3c2a')
    .replaceAll(/are-[0-9a-f]{8,}/g, 'are-51d09b')
    .replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:…')
    .replaceAll(/sha256:[0-9a-f]{12}/g, 'sha256:…')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '2026-11-21T09:30:00.000Z')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, '2026-11-21 09:30:00')
    .replaceAll(/ in \d+(?:\.\d+)? m?s:/g, ' in 90 ms:')
    .replaceAll(folder, '.')
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd());
};

/** commandsOf are the commands of the page that its own section shows, each with what it prints. */
const commandsOf = (page: string): readonly { readonly argv: readonly string[]; readonly printed: readonly string[] }[] =>
  [...page.matchAll(/```console\n([^]*?)```/g)]
    .flatMap(([, text = '']) => text.split(/^\$ /m).slice(1))
    .map((part) => {
      const [line = '', ...printed] = part.trimEnd().split('\n');
      return { argv: line.replace('node dist/index.js', '').trim().split(/\s+/), printed };
    })
    .filter(({ argv }) => argv.includes('production'));

const run = async (argv: readonly string[]): Promise<readonly string[]> => {
  const { accessKeyId, accessKeySecret } = lab.agentrun.credentials;
  const { stdout, stderr } = await sluice(argv, { folder, environment: { SLUICE_STATE: join(folder, 'state'), ALIBABA_CLOUD_ACCESS_KEY_ID: accessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: accessKeySecret } });
  return shown(`${stderr}${stdout}`);
};

/** compared puts the page's line where it says the same in short: a line that ends in … stands for its beginning, … alone for lines that are left out. */
const compared = (found: readonly string[], wanted: readonly string[]): readonly string[] => {
  const [first, second] = wanted;
  const [line] = found;
  if (first === '…') {
    const next = second === undefined ? found.length : found.findIndex((one) => one === second || (second.endsWith('…') && one.startsWith(second.slice(0, -1))));
    return next < 1 ? found : ['…', ...compared(found.slice(next), wanted.slice(1))];
  }
  if (line === undefined) return [];
  return [first !== undefined && first.endsWith('…') && line.startsWith(first.slice(0, -1)) ? first : line, ...compared(found.slice(1), wanted.slice(1))];
};

/** Lines that a real environment does not print, or prints in another number. */
const passing = /^(?:\S+ started|waiting for .*|TLS: .*)$/;

test('docs/agentrun.md prints what its commands print', async () => {
  const page = await readFile(join(repository, 'docs/agentrun.md'), 'utf8');
  lab.agentrun.writeLine('order-agent-prod', '1', '订单 1018: asked the warehouse, no answer within 5 s');
  const commands = commandsOf(page);
  expect(commands.map(({ argv }) => argv[0])).toEqual(expect.arrayContaining(['validate', 'deploy', 'publish-version', 'info', 'versions', 'canary', 'logs']));
  for (const { argv, printed } of commands) {
    const found = (await run(argv)).filter((line) => !passing.test(line));
    expect({ argv, printed: compared(found, printed) }).toEqual({ argv, printed });
  }
}, 240_000);

/** alike is a line without what differs from run to run: numbers, times, digests and folders. */
const alike = (line: string): string => line.replace(/\/tmp\/\S+?-\w{6}\//, '/tmp/rehearsal/').replaceAll(/[0-9a-f]{64}/g, 'digest').replaceAll(/\d+(?:\.\d+)? m?s\b/g, 'time').replaceAll(/\d+/g, 'n');

test('docs/agentrun.md shows a rehearsal as it goes, with the evidence of Log Service beside the probes', async () => {
  const page = await readFile(join(repository, 'docs/agentrun.md'), 'utf8');
  const [, text = ''] = /```console\n(\$ node dist\/index\.js rehearse [^]*?)```/.exec(page) ?? [];
  const [command = '', ...wanted] = text.trimEnd().split('\n');
  const { code, stdout, stderr } = await sluice(command.replace('$ node dist/index.js', '').trim().split(' '), { deadlineMs: 120_000 });
  expect(code).toBe(0);
  const found = `${stdout}${stderr}`.trimEnd().split('\n').map(alike);
  const missing: string[] = [];
  let from = 0;
  for (const line of wanted) {
    const start = alike(line.replace(/…$/, ''));
    const at = found.findIndex((one, index) => index >= from && (line.endsWith('…') ? one.startsWith(start) : one === start));
    if (at < 0) missing.push(line);
    else from = at + 1;
  }
  expect(missing).toEqual([]);
}, 150_000);
