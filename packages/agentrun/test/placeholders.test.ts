import { execFile } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Json } from '@sluice/core';
import fc from 'fast-check';
import { resolvePlaceholders, type EnvironmentLookup } from '../src/source/placeholders.ts';

// Every expectation here is the answer of `s preview` of @serverless-devs/s 3.1.10, asked anew at each run.
const program = join(dirname(fileURLToPath(import.meta.url)), '../../../node_modules/@serverless-devs/s/bin/s');
const environment: Readonly<Record<string, string>> = { FOO: 'bar', EMPTY: '', NUM: '42', CJK: '订单' };
const variables = {
  region: 'cn-hangzhou', n: 3, b: true, no: false, f: 1.5, z: 0, empty: '', 名: '值',
  deep: { a: 'x', list: [1, 'two'], 'k-k': 'dash' },
  fromEnvironment: "${env('FOO','dd')}", reference: '${vars.region}', again: '${vars.reference}', holds: { inner: '${env(FOO)}', none: null },
  none: null,
};
// Serverless Devs takes an empty variable for a missing one, and so does Sluice where it reads secrets.
const lookup: EnvironmentLookup = (name, initial) => (environment[name] === '' ? undefined : environment[name]) ?? initial;

let home = '';
let made = 0;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'sluice-preview-'));
  mkdirSync(join(home, '.s'));
  writeFileSync(join(home, '.s/set-config.yml'), 'analysis: disable\nlog: disable\n');
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** preview is what the real CLI makes of `props`, undefined when it refuses them. */
const preview = (props: object): Promise<Json | undefined> => {
  made += 1;
  const file = join(home, `${made}.yaml`);
  writeFileSync(file, JSON.stringify({ edition: '3.0.0', name: 't', access: 'default', vars: variables, resources: { ...resources, r: { component: 'agentrun@1.0.12', props } } }));
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, serverless_devs_config_home: home, SERVERLESS_DEVS_CICD: '1', ...environment };
  return new Promise((resolve) => {
    execFile(process.execPath, [program, 'preview', '-t', file, '--silent', '--output', 'json'], { env, cwd: home }, (error, stdout) =>
      resolve(error === null ? (JSON.parse(stdout) as { resources: { r: { props: Json } } }).resources.r.props : undefined));
  });
};

const resources = { o: { component: 'fc3', props: { region: 'cn-shanghai', deep: { list: [1, '两'], 'k-k': 'dash' }, by: '${vars.region}' } }, 'my-fn': { component: 'fc3', props: { region: 'cn-beijing' } } };
const ours = (props: Json) => resolvePlaceholders(props, variables, lookup, { resources: { ...resources, r: { props } }, this: { props } });

const taken = [
  '${vars.n}', 'a${vars.n}b${vars.b}', '${vars.no}', '${vars.f}', '${vars.z}', '${vars.empty}|', 'x${vars.empty}y', '${vars.deep}', '${vars.deep.list}', '${vars.deep.list.1}', '${vars.deep.k-k}',
  '${vars.fromEnvironment}', '${vars.reference}', '${vars.again}', '${vars.holds}', '${vars.holds.inner}',
  '${env(FOO)}', "${env('FOO')}", '${env("FOO")}', "${ env( 'FOO' , 'd' ) }", "${env(GONE,'d')}", "${env('GONE', \"d\")}", "${env('GONE', 5)}", "${env('GONE', -1.5)}", "${env('GONE', true)}",
  "${env('GONE', '')}|", "${env('EMPTY','d')}", '${env(NUM)}', '${env(CJK)}', "${env('GONE', vars.region)}", "${env('GONE', 'a,b')}", "${env('GONE', 'it\"s')}", "${env('GONE', '默认')}",
  '$${vars.n}', '\\${vars.n}', '$ {vars.n}', '{{vars.n}}', '$HOME', 'x ${ y', '${vars.n}\n', '${vars.n} ', '你好${vars.region}', '${vars.region}-${env(FOO)}-${vars.b}',
];

describe('what Serverless Devs takes, Sluice takes alike', () => {
  test('each form alone', async () => {
    const { value, faults } = ours(taken);
    expect(faults).toEqual([]);
    expect(value).toEqual(Object.values((await preview({ list: taken })) ?? {})[0]);
  }, 30_000);

  test('what other parts of the file say', async () => {
    const props = { own: 'x', n: 7, agent: { name: 'a-${vars.n}' }, one: '${resources.o.props.region}', two: 'a${resources.o.props.deep.list.1}b', three: '${resources.o.props.deep}', four: '${resources.o.props.by}', five: '${this.props.own}-${this.props.n}', six: '${this.props.n}', seven: '${resources.r.props.own}', eight: '${resources.my-fn.props.region}' };
    const { value, faults } = ours(props);
    expect(faults).toEqual([]);
    expect(value).toEqual(await preview(props));
  }, 30_000);

  test('documents put together at random', async () => {
    const scalar = fc.constantFrom(...taken);
    const joined = fc.array(fc.constantFrom('a', ' ', '-', '订', '$', '${vars.n}', '${vars.region}', '${env(FOO)}', "${env('GONE','d')}", '${vars.deep.a}', "${env('GONE', 5)}"), { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''));
    const leaf = fc.oneof(scalar, joined, fc.integer({ min: -9, max: 9 }), fc.boolean());
    // A key without a value is left out by both; in a list Serverless Devs leaves a hole, which nobody needs.
    const { tree } = fc.letrec<{ tree: Json }>((tie) => ({
      tree: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('tree'), { maxLength: 3 }), fc.dictionary(fc.constantFrom('a', 'b', 'c-d', '键'), fc.option(tie('tree')), { noNullPrototype: true, maxKeys: 3 })),
    }));
    const documents = fc.sample(tree, { numRuns: 400, seed: 20_26 });
    const { value, faults } = ours(documents);
    expect(faults).toEqual([]);
    expect(value).toEqual(((await preview({ documents })) as { documents: Json } | undefined)?.documents);
  }, 30_000);
});

describe('what Serverless Devs refuses, Sluice refuses', () => {
  test.each(['${vars.gone}', '${resources.o.props.gone}', '${resources.gone.props.region}', '${this.props.gone}', 'x${vars.none}y', '${ vars.n }', '${env.FOO}', '${PORT}', "${env('GONE','{}')}"])('%s', async (text) => {
    expect(ours({ text }).faults).toHaveLength(1);
    expect(await preview({ text })).toBeUndefined();
  }, 30_000);

  test('a variable of the environment that is missing or empty stays and is told of later', async () => {
    expect(ours({ one: '${env(GONE)}', other: '${env(EMPTY)}' })).toMatchObject({ value: { one: '${env(GONE)}', other: '${env(EMPTY)}' }, environment: [{ name: 'GONE' }, { name: 'EMPTY' }] });
    expect(await preview({ text: '${env(GONE)}' })).toBeUndefined();
    expect(await preview({ text: '${env(EMPTY)}' })).toBeUndefined();
  }, 30_000);
});

test.each(['${resources.o.output.url}', "${config('AccessKeySecret')}", "${path('.')}", "${json('{}')}", 'x${vars.deep}', 'x${vars.deep.list}', '${cwd}', '${vars}', '<%= vars.n %>', "${file('./x')}"])('%s is refused here alone: it is nonsense there, or code', (text) => {
  expect(ours({ text }).faults).toHaveLength(1);
});

test('the account is what the environment says, and stays a placeholder until then', () => {
  const role = 'acs:ram::${config("AccountID")}:role/runner';
  expect(resolvePlaceholders({ role }, {}, lookup)).toMatchObject({ value: { role }, faults: [], environment: [] });
  expect(resolvePlaceholders({ role, again: "${ config( 'AccountID' ) }" }, {}, lookup, { account: '1234567890' }).value).toEqual({ role: 'acs:ram::1234567890:role/runner', again: '1234567890' });
});
