import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { enter } from '../packages/cli/src/door.ts';
import { project, repository, sluice as bundle, type Ended } from './sluice-process.ts';
import { everyEighth } from './through-the-door.ts';

let asked = 0;
/** sluice runs every eighth command line in a process of the bundle, the others here. */
const sluice: typeof bundle = (argv, options) => everyEighth((asked += 1))(argv, options);

const app = '0b9c2f4e-6a1d-4f7e-9c55-2f1d9a7e4b10';
const account = { DIFY_EMAIL: 'release@example.com', DIFY_PASSWORD: 'correct-horse-battery' };

const configuration = (dify: string, more = ''): string =>
  ['name: bot', 'source: app.yml', 'environments:', '  production:', `    dify: ${dify}`, more].join('\n');

/** expectTold checks what holds for every refusal: the code, the words, and no stack. */
const expectTold = (ended: Ended, code: number, ...words: readonly RegExp[]): void => {
  const said = ended.stdout + ended.stderr;
  expect({ code: ended.code, said }).toEqual({ code, said: expect.any(String) });
  for (const word of words) expect(said).toMatch(word);
  expect(said).not.toMatch(/^ {4}at /m);
};

/** expectClear checks that a refusal is told, and soon. */
const expectClear = (ended: Ended, code: number, ...words: readonly RegExp[]): void => {
  expectTold(ended, code, ...words);
  expect(ended.durationMs).toBeLessThan(8000);
};

let source = '';
beforeAll(async () => {
  source = await readFile(join(repository, 'examples/support-bot/app/support-bot.yml'), 'utf8');
});

const folderWith = (sluiceYml: string | Buffer, files: Readonly<Record<string, string | Buffer>> = {}): Promise<string> =>
  project({ 'app.yml': source, 'sluice.yml': sluiceYml, ...files });

const nowhere = `https://dify.example.com/app/${app}`;

describe('the command line', () => {
  test.each<readonly [argv: readonly string[], ...words: readonly RegExp[]]>([
    [['deplyo'], /there is no command "deplyo"; did you mean "deploy"/],
    [['deploy', '--enviroment', 'production'], /there is no flag --enviroment; did you mean --environment/],
    [['deploy', '--environment'], /--environment needs a value/],
    [['validate', '--json=maybe'], /--json must be true or false/],
    [['validate', 'one', 'two'], /a word too many: "two"/],
    [['deploy', '--token', 'abcd-1234'], /--token: secrets are not taken on the command line/],
    [['deploy', '--dify-password=abcd-1234'], /--dify-password: secrets are not taken on the command line/],
    [['validate', '--environment', 'prodution'], /there is no environment "prodution"; did you mean "production"/],
    [['validate', '--environment', 'constructor'], /there is no environment "constructor"/],
    [['validate', '--deadline', 'soon'], /input "deadline": must be a duration such as 90s or 20m, got "soon"/],
    [['validate', '--fail-on', 'eror'], /input "fail-on"/],
  ])('%j is exit 2', async (argv, ...words) => {
    const ended = await sluice(argv, { folder: await folderWith(configuration(nowhere)) });
    expectClear(ended, 2, ...words);
    expect(ended.stdout + ended.stderr).not.toContain('abcd-1234');
  });
});

describe('a question about Sluice itself', () => {
  test.each<readonly [argv: readonly string[], said: RegExp]>([
    [['--version'], /^\d+\.\d+\.\d+\n$/],
    [['-v'], /^\d+\.\d+\.\d+\n$/],
    [['version'], /^\d+\.\d+\.\d+\n$/],
    [['-h'], /^Usage: [^]*Exit codes:/],
    [['--help'], /^Usage: [^]*Exit codes:/],
    [['validate', '-h'], /^validate: [^]*--fail-on +Lowest severity.* One of: `error`, `warning`\./],
    [['notify', '--help'], /--severity .*One of: `P0`, `P1`, `P2`\./],
    [['rehearse', '--help'], /^rehearse \[FILE\]: /],
    [['help', 'lab'], /^lab: /],
  ])('%j is answered, and nothing is run', async (argv, said) => {
    const folder = await project({});
    const ended = await sluice(argv, { folder });
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(said);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('SLUICE_INPUTS', () => {
  const value = 'hunter2-hunter2';
  test.each<readonly [inputs: string, ...words: readonly RegExp[]]>([
    ['{"enviroment":"production"}', /input "enviroment": is unknown; did you mean "environment"/],
    [`{"token":"${value}"}`, /input "token": secrets are not taken as inputs/, /environment variable.* [A-Z]+_[A-Z_]+/],
    [`{"dify-password":"${value}"}`, /input "dify-password": secrets are not taken/, /the environment variable DIFY_PASSWORD\./],
    [`{"access-key-secret":"${value}"}`, /one of the environment variables DIFY_EMAIL, DIFY_PASSWORD,/],
    [`${value} is no JSON`, /SLUICE_INPUTS is not one JSON object/],
    [`["${value}"]`, /SLUICE_INPUTS is not one JSON object/],
    [`{"environment":["${value}"]}`, /input "environment": must be text/],
    ['{"dry-run":"yes"}', /input "dry-run"/],
  ])('%s is exit 2, and no value is shown', async (SLUICE_INPUTS, ...words) => {
    const ended = await sluice(['deploy'], { folder: await folderWith(configuration(nowhere)), environment: { SLUICE_INPUTS } });
    expectClear(ended, 2, ...words);
    expect(ended.stdout + ended.stderr).not.toContain(value);
  });
});

test('a secret among SLUICE_INPUTS is refused with the variables of the platform that `config` there leads to', async () => {
  const folder = await project({ 'elsewhere/agent.yml': 'name: agent\nsource: s.yaml\nenvironments:\n  production:\n    agentrun: { endpoint: production }\n' });
  const SLUICE_INPUTS = '{"config":"elsewhere/agent.yml","access-key-secret":"hunter2-hunter2"}';
  const ended = await sluice(['deploy'], { folder, environment: { SLUICE_INPUTS } });
  expectClear(ended, 2, /input "access-key-secret": secrets are not taken/, /the environment variable ALIBABA_CLOUD_ACCESS_KEY_SECRET\./);
});

const bomb = (): string => {
  const level = (number: number): string => `a${number}: &a${number} [${Array.from({ length: 9 }, () => `*a${number - 1}`).join(', ')}]`;
  return ['a0: &a0 [x, x, x, x, x, x, x, x, x]', ...Array.from({ length: 12 }, (_, index) => level(index + 1))].join('\n');
};

const over = 10 * 1024 * 1024 + 1;

const badTexts: readonly (readonly [name: string, text: string | Buffer, ...words: readonly RegExp[]])[] = [
  ['is not YAML', 'a: [1, 2\nb: }{', /YAML syntax error: .*\n[^]*\.yml:\d+:\d+/],
  ['is an alias bomb', bomb(), /the document stands for more than \d+ values/],
  ['contains itself', 'a: &a [*a]', /stands inside the value that it names/],
  ['is nested too deeply', '['.repeat(100_000), /nested deeper than 200 levels|YAML syntax error/],
  ['is not UTF-8', Buffer.from([0x6e, 0x61, 0x6d, 0x65, 0x3a, 0x20, 0xff, 0xfe]), /is not UTF-8 text/],
  ['is GBK', Buffer.from([0x6e, 0x61, 0x6d, 0x65, 0x3a, 0x20, 0xc4, 0xe3, 0xba, 0xc3]), /is not UTF-8 text; it looks like GBK/],
  ['is UTF-16', Buffer.from('\uFEFFname: bot', 'utf16le'), /is not UTF-8 text; it looks like UTF-16/],
  ['has NUL', 'name: a\0b', /has a NUL character/],
  ['is over the limit', Buffer.alloc(over, 'a'), /at most 10 MB are read/],
  ['is empty', '', /\S/],
  ['is a list', '- a\n- b\n', /\S/],
  ['has a key twice', 'name: a\nname: b\n', /the key "name" is there twice/],
];

describe('a file that', () => {
  test.each(badTexts)('%s, as sluice.yml, is exit 2', async (_name, text, ...words) => {
    expectClear(await sluice(['validate'], { folder: await folderWith(text) }), 2, ...words, /sluice\.yml/);
  });

  test.each(badTexts)('%s, as the source, is a clear line', async (name, text, ...words) => {
    const ended = await sluice(['validate'], { folder: await folderWith(configuration(nowhere), { 'app.yml': text }) });
    // What YAML can hold but Dify cannot read is a finding of the gate.
    expectClear(ended, ended.code === 1 ? 1 : 2, ...(name === 'is empty' || name === 'is a list' ? [] : words), /app\.yml/);
  });

  test.each<readonly [name: string, sluiceYml: string, ...words: readonly RegExp[]]>([
    ['an unknown key', configuration(nowhere, '    canarry: true'), /the key "canarry" is unknown; did you mean "canary"/, /sluice\.yml:6:5/],
    ['credentials in an address', configuration('https://user:pass-word-1@dify.example.com'), /must not carry credentials/],
    ["a CI's own variable", configuration(nowhere, '    variables: { A: { env: GITHUB_TOKEN } }'), /may not name one of the CI's/],
    ['an address without encryption', configuration('http://dify.example.com'), /unencrypted/],
    ['a metadata address', configuration('https://169.254.169.254'), /a link-local or metadata address/],
    ['a source outside', configuration(nowhere).replace('app.yml', '../app.yml'), /lies outside the folder/],
    ['a source that is missing', configuration(nowhere).replace('app.yml', 'gone.yml'), /gone\.yml does not exist/],
    ['a source that is a folder', configuration(nowhere).replace('app.yml', '.'), /is a folder/],
  ])('has %s is exit 2', async (_name, text, ...words) => {
    const ended = await sluice(['deploy'], { folder: await folderWith(text), environment: account });
    expectClear(ended, 2, ...words);
    expect(ended.stdout + ended.stderr).not.toContain('pass-word-1');
  });

  test('is a directory is exit 2', async () => {
    const folder = await project({});
    await mkdir(join(folder, 'sluice.yml'));
    expectClear(await sluice(['validate'], { folder }), 2, /sluice\.yml/);
    expectClear(await sluice(['validate', 'gone.yml'], { folder }), 2, /gone\.yml does not exist/);
    expectClear(await sluice(['validate', 'a\u0001b'], { folder }), 2, /does not exist/);
  });
});

describe('what the environment must hold', () => {
  test.each<readonly [name: string, sluiceYml: string, environment: Readonly<Record<string, string>>, code: number, ...words: readonly RegExp[]]>([
    ['a secret of sluice.yml', configuration(nowhere, '    variables: { CRM_TOKEN: { env: CRM_TOKEN } }'), account, 2, /the secret CRM_TOKEN is not set/, /CRM_TOKEN_PRODUCTION or CRM_TOKEN/],
    ['a listed host', configuration(nowhere), { ...account, SLUICE_HOSTS: 'dify.other.com' }, 2, /SLUICE_HOSTS does not list it/, /dify\.example\.com/],
    ['a readable SLUICE_HOSTS', configuration(nowhere), { ...account, SLUICE_HOSTS: '*' }, 2, /SLUICE_HOSTS has an entry that is no host/],
  ])('%s', async (_name, text, environment, code, ...words) => {
    const ended = await sluice(['deploy'], { folder: await folderWith(text), environment });
    expectClear(ended, code, ...words);
  });

  test('SLUICE_HOSTS that is not set on a CI is a warning with the line to add', async () => {
    // A missing secret ends the run before anything is asked for.
    const folder = await folderWith(configuration(nowhere, '    branches: [main]\n    variables: { CRM_TOKEN: { env: CRM_TOKEN } }'));
    const ended = await sluice(['deploy'], { folder, environment: { ...account, GITLAB_CI: 'true', CI_COMMIT_BRANCH: 'main' } });
    expectClear(ended, 2, /warning SLUICE_HOSTS is not set.*SLUICE_HOSTS=dify\.example\.com/);
  });

  test.each(['pull_request', 'pull_request_target', 'workflow_run'])('%s connects to nothing and reads no credential', async (event) => {
    const folder = await folderWith(configuration(nowhere, '    branches: [main]\n    variables: { CRM_TOKEN: { env: CRM_TOKEN } }'));
    const environment = { ...account, CRM_TOKEN: 'crm-token-1', GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: event, GITHUB_REF_NAME: 'main', GITHUB_REF_TYPE: 'branch', GITHUB_HEAD_REF: 'main' };
    for (const step of ['deploy', 'notify', 'canary', 'release', 'rollback']) {
      const ended = await sluice([step], { folder, environment });
      expectClear(ended, 0, /skipped.*pull requests belong to no environment/);
      expect(ended.stdout).not.toContain('add-mask');
    }
  });

  test('a branch that belongs to no environment is skipped, and that is said', async () => {
    const folder = await folderWith(configuration(nowhere, '    branches: [main]'));
    const ended = await sluice(['deploy'], { folder, environment: { ...account, GITLAB_CI: 'true', CI_COMMIT_BRANCH: 'feature' } });
    expectClear(ended, 0, /skipped.*the branch feature belongs to no environment/);
  });
});

const servers: Server[] = [];

const serve = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

describe('a server that', () => {
  const elsewhere = async (): Promise<string> => serve((_request, response) => response.end('{"version":"1.12.1"}'));

  test.each<readonly [name: string, start: () => Promise<string>, ...words: readonly RegExp[]]>([
    ['is not there', () => Promise.resolve('http://127.0.0.1:1'), /nothing listens at this address|cannot be reached/],
    [
      'answers with HTML',
      () => serve((_request, response) => response.setHeader('content-type', 'text/html').end('<html><body>Welcome to the proxy</body></html>')),
      /HTML|not JSON/i,
    ],
    [
      'redirects to another origin',
      async () => {
        const other = await elsewhere();
        return serve((request, response) => response.writeHead(302, { location: `${other}${request.url ?? ''}` }).end());
      },
      /redirect/i,
    ],
    [
      'breaks off',
      () =>
        serve((_request, response) => {
          response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
          response.write('{"version":');
          setTimeout(() => response.destroy(), 10);
        }),
      /the connection was cut before the answer was complete/,
    ],
    ['sends half of its JSON', () => serve((_request, response) => response.setHeader('content-type', 'application/json').end('{"version":')), /JSON/],
  ])('%s is exit 4, with what was tried and where', async (_name, start, ...words) => {
    const origin = await start();
    const folder = await folderWith(configuration(`${origin}/app/${app}`));
    const steps = ['deploy', 'health-check'] as const;
    const runs = await Promise.all(steps.map((step) => sluice([step], { folder, environment: { ...account, CRM_TOKEN: 'crm-token-1' } })));
    // A lost connection is tried again, so this is not bound to the time of the others.
    for (const ended of runs) expectTold(ended, 4, ...words, /^ {2}tried: \S/m, new RegExp(`where: ${origin}`), /^ {2}next: \S/m);
  }, 20_000);
});

describe('what nobody caught', () => {
  const fakeProcess = (environment: Readonly<Record<string, string>>, write: (text: string) => void): NodeJS.Process => {
    const stream = { write: (text: string, done?: () => void) => (write(text), done?.(), true), on: () => undefined };
    return { env: environment, stdout: stream, stderr: stream, on: () => undefined, off: () => undefined, exit: () => undefined, cwd: () => process.cwd() } as unknown as NodeJS.Process;
  };

  test('is exit 70 with a result document, and how to report it', async () => {
    const folder = await project({});
    let written = '';
    let thrown = false;
    const surroundings = fakeProcess({ SLUICE_RESULTS: folder, NO_COLOR: '1' }, (text) => {
      if (!thrown) {
        thrown = true;
        throw new TypeError('the stream is broken');
      }
      written += text;
    });
    expect(await enter(['version', '--json'], surroundings)).toBe(70);
    expect(written).toContain('Sluice itself failed: TypeError: the stream is broken');
    expect(written).toMatch(/This is a defect of Sluice\. Report it/);
    const [name] = await readdir(folder);
    const document = JSON.parse(await readFile(join(folder, name ?? ''), 'utf8')) as Record<string, unknown>;
    expect(document).toMatchObject({ status: 'error', category: 'defect', evidence: { stack: expect.stringContaining('the stream is broken') } });
    const printed = written.split('\n').find((line) => line.startsWith('{'));
    expect(JSON.parse(printed ?? '')).toEqual(document);
  });

  test('in a callback is exit 70 as well', async () => {
    const folder = await project({});
    let written = '';
    const listeners = new Map<string, (error: unknown) => void>();
    const plain = fakeProcess({ SLUICE_RESULTS: folder }, (text) => void (written += text));
    const surroundings = Object.assign(plain, { on: (event: string, listener: (error: unknown) => void) => void listeners.set(event, listener) });
    // The lab runs until it is interrupted, so only the error can end this.
    const entered = enter(['lab'], surroundings);
    for (let waited = 0; waited < 1000 && !written.includes('SLUICE_LAB_TOKEN'); waited += 1) await new Promise((resolve) => setTimeout(resolve, 10));
    listeners.get('uncaughtException')?.(new Error('thrown in a timer'));
    expect(await entered).toBe(70);
    expect(written).toContain('Sluice itself failed: Error: thrown in a timer');
    listeners.get('SIGINT')?.(undefined);
  });

  test('a reader that went away is no error of the run', async () => {
    const folder = await folderWith(configuration(nowhere));
    const ended = await sluice(['validate', '--json'], { folder, closeStdout: true });
    expect({ code: ended.code, stack: /^ {4}at /m.test(ended.stderr) }).toEqual({ code: 0, stack: false });
    expect(await readdir(join(folder, '.sluice/results'))).toContain('01-validate.json');
  });
});

describe('a results folder that', () => {
  const valid = (): Promise<string> => folderWith(configuration(nowhere));

  test.each<readonly [name: string, prepare: (folder: string) => Promise<Readonly<Record<string, string>>>, ...words: readonly RegExp[]]>([
    ['is in a file system of the kernel', () => Promise.resolve({ SLUICE_RESULTS: '/proc/sluice' }), /\/proc\/sluice cannot be made/],
    ['is a file', async (folder) => (await mkdir(join(folder, '.sluice')), await writeFile(join(folder, '.sluice/results'), ''), {}), /results is a file, not a folder/],
    ['lies below a file', async (folder) => (await writeFile(join(folder, '.sluice'), ''), {}), /\.sluice is a file, not a folder/],
    ['is a link', async (folder) => (await mkdir(join(folder, 'real')), await symlink(join(folder, 'real'), join(folder, 'link')), { SLUICE_RESULTS: join(folder, 'link') }), /link is a symbolic link, and links are not followed/],
    ['lies below a link', async (folder) => (await mkdir(join(folder, 'real')), await symlink(join(folder, 'real'), join(folder, '.sluice')), {}), /\.sluice is a symbolic link/],
  ])('%s is exit 3, and the result is told all the same', async (_name, prepare, ...words) => {
    const one = async (ci: Readonly<Record<string, string>>): Promise<void> => {
      const folder = await valid();
      const environment = { ...(await prepare(folder)), ...ci };
      const ended = await bundle(['validate', '--json'], { folder, environment, deadlineMs: 10_000 });
      expectTold(ended, 3, ...words, /Set SLUICE_RESULTS to a folder/);
      expect(JSON.parse(ended.stdout)).toMatchObject({ step: 'validate', category: 'permission', outputs: { findings: expect.any(String) } });
      expect(await readdir(join(folder, 'real')).catch(() => [])).toEqual([]);
    };
    await Promise.all([{}, { GITLAB_CI: 'true', CI_COMMIT_BRANCH: 'main' }, { JENKINS_URL: 'x' }].map(one));
  }, 20_000);
});

describe('the result', () => {
  test('of a refused step stands in the results folder and alone on standard output', async () => {
    const folder = await project({ 'sluice.yml': 'name: 1' });
    const ended = await sluice(['deploy', '--json'], { folder });
    const document = JSON.parse(ended.stdout) as Record<string, unknown>;
    expect(document).toMatchObject({ step: 'deploy', status: 'error', category: 'input', outputs: { version: '', changed: '' } });
    expect(JSON.parse(await readFile(join(folder, '.sluice/results/01-deploy.json'), 'utf8'))).toEqual(document);
  });

  test('is set to safe outputs before the step begins, so that a killed run leaves them', async () => {
    const silent = await serve(() => undefined);
    const folder = await folderWith(configuration(`${silent}/app/${app}`), { output: '' });
    const environment = { ...account, CRM_TOKEN: 'crm-token-1', GITHUB_ACTIONS: 'true', GITHUB_OUTPUT: join(folder, 'output'), GITHUB_REF_NAME: 'main', GITHUB_REF_TYPE: 'branch' };
    const killed = await bundle(['deploy', '--environment', 'production'], { folder, environment, deadlineMs: 1500 });
    expect(killed.code).toBeNull();
    const outputs = await readFile(join(folder, 'output'), 'utf8');
    expect(outputs).toMatch(/^status<<.*\nerror\n/m);
    expect(outputs).toMatch(/^version<<.*\n\n/m);
    expect(outputs).toMatch(/^reason<<.*\ndeploy has not ended\n/m);
  });
});
