import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { fuzzed } from '../packages/dify/test/dsl-fuzzer.ts';
import { repository } from './sluice-process.ts';

/** largest is the most bytes of a file that is made here. */
const largest = 256 * 1024;

/** Original is a sound file, and where `validate` reads it in a project. */
interface Original {
  readonly path: string;
  readonly text: string;
}

/** BadFile is a file that stands in place of a sound one. */
export interface BadFile {
  readonly path: string;
  readonly bytes: Buffer;
}

const environments = (platform: string): string => `environments:\n  production:\n    ${platform}\n`;
const difyProject = `name: bot\nsource: app.yml\n${environments('dify: https://dify.example.com/app/0b9c2f4e-6a1d-4f7e-9c55-2f1d9a7e4b10')}`;
const agentProject = `name: agent\nsource: s.yaml\n${environments('agentrun: { endpoint: production, account: "1234567890123456" }')}`;

/** gbkBytes are the two bytes of each character that GBK has; Node encodes UTF-8 and UTF-16 alone. */
const gbkBytes = (): ReadonlyMap<string, Buffer> => {
  const decoder = new TextDecoder('gbk');
  const bytes = new Map<string, Buffer>();
  for (let first = 0x81; first <= 0xfe; first += 1) {
    for (let second = 0x40; second <= 0xfe; second += 1) {
      const pair = Buffer.of(first, second);
      const sign = decoder.decode(pair);
      if (sign.length === 1) bytes.set(sign, pair);
    }
  }
  return bytes;
};

/** withHalves is UTF-8 in which halves of a pair of surrogates stand by themselves, which UTF-8 forbids. */
const withHalves = (text: string): Buffer =>
  Buffer.concat(text.split(/([\ud800-\udfff])/).map((part) => (/^[\ud800-\udfff]$/.test(part) ? Buffer.of(0xed, 0x80 | ((part.charCodeAt(0) >> 6) & 0x3f), 0x80 | (part.charCodeAt(0) & 0x3f)) : Buffer.from(part))));

const encodings = (gbk: ReadonlyMap<string, Buffer>): readonly ((text: string) => Buffer)[] => {
  const plain = (text: string): Buffer => Buffer.from(text);
  return [
    plain, plain, plain, plain,
    withHalves,
    (text) => Buffer.from(`\ufeff${text}`),
    (text) => Buffer.from(text.replaceAll('\n', '\r\n')),
    (text) => Buffer.from(`\ufeff${text}`, 'utf16le'),
    (text) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16(),
    (text) => Buffer.concat([...text].map((sign) => gbk.get(sign) ?? Buffer.from(sign))),
  ];
};

const read = async (folder: string, name: string): Promise<string> => readFile(join(repository, folder, name), 'utf8');

const allOf = async (folder: string, path: string): Promise<readonly Original[]> =>
  Promise.all((await readdir(join(repository, folder))).filter((name) => name.endsWith('.yml')).map(async (name) => ({ path, text: await read(folder, name) })));

/** Originals are sound files of one kind, with their values. */
interface Originals {
  readonly path: string;
  readonly texts: readonly string[];
  readonly roots: readonly unknown[];
}

const together = (files: readonly Original[]): Originals => {
  const texts = files.map(({ text }) => text);
  return { path: files[0]?.path ?? '', texts, roots: files.map(({ path, text }): unknown => (path.endsWith('Jenkinsfile') ? { text } : parse(text, { logLevel: 'silent' }))) };
};

/** badFiles makes the bad file of a number: of twenty, twelve are apps, the others sluice.yml, s.yaml and CI files. */
export const badFiles = async (): Promise<(number: number) => BadFile> => {
  const apps = together([...(await allOf('packages/dify/test/fixtures', 'app.yml')), { path: 'app.yml', text: await read('examples/support-bot/app', 'support-bot.yml') }]);
  const settings = together([{ path: 'sluice.yml', text: difyProject }, { path: 'sluice.yml', text: await read('examples/order-agent', 'sluice.yml') }, { path: 'sluice.yml', text: await read('examples/support-bot', 'sluice.yml') }]);
  const agents = together([{ path: 'agent/s.yaml', text: await read('examples/order-agent', 's.prod.yaml') }, { path: 'agent/s.yaml', text: await read('examples/order-agent', 's.staging.yaml') }]);
  const workflows = together(await allOf('.github/workflows', '.github/workflows/release.yml'));
  const gitlab = together([...(await allOf('templates', '.gitlab-ci.yml'))]);
  const jenkins = together([{ path: 'Jenkinsfile', text: await read('examples/order-agent', 'Jenkinsfile') }]);
  const kinds = [...Array.from({ length: 12 }, () => apps), settings, settings, agents, agents, agents, workflows, gitlab, jenkins];
  const ways = encodings(gbkBytes());
  return (number) => {
    const round = Math.floor(number / 10);
    const kind = kinds[(round + number) % kinds.length] ?? apps;
    const encode = ways[(round * 7 + number * 3) % ways.length] ?? Buffer.from;
    return { path: kind.path, bytes: encode(fuzzed(number, kind.texts, kind.roots)).subarray(0, largest) };
  };
};

/** Stage is two sound projects in one repository, an app of Dify at the top and an agent in `agent`. */
export interface Stage {
  /** put writes a bad file in place of a sound one, and gives the argument for validate. */
  put(file: BadFile): Promise<string>;
  /** restore puts the sound file back. */
  restore(file: BadFile): Promise<void>;
}

/** stageIn makes the two projects in an empty folder. */
export const stageIn = async (folder: string): Promise<Stage> => {
  const sound = new Map([
    ['sluice.yml', difyProject],
    ['agent/sluice.yml', agentProject],
    ['app.yml', await read('examples/support-bot/app', 'support-bot.yml')],
    ['agent/s.yaml', await read('examples/order-agent', 's.prod.yaml')],
    ['agent/code/main.py', ''],
    ['.git/HEAD', ''],
  ]);
  for (const [path, text] of sound) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  await mkdir(join(folder, '.github/workflows'), { recursive: true });
  return {
    put: async ({ path, bytes }) => {
      await writeFile(join(folder, path), bytes);
      return path.startsWith('agent/') ? join(folder, 'agent') : folder;
    },
    restore: async ({ path }) => {
      const text = sound.get(path);
      await (text === undefined ? rm(join(folder, path)) : writeFile(join(folder, path), text));
    },
  };
};
