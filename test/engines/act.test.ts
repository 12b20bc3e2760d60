import { execFileSync } from 'node:child_process';
import { existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { project, repository } from '../sluice-process.ts';
import { actIsHere, openActStage, type ActStage, type Run } from './act-stage.ts';

/* Our actions, called by owner/repository/path@tag, in one job after the other as their users have them. */

let stage: ActStage;
let ran: Run;

interface Step {
  readonly outcome: string;
  readonly outputs: Readonly<Record<string, string>>;
}

/** told is the context `steps` as the job's last step was given it. */
let told: Readonly<Record<string, Step>>;

const step = (id: string, inputs: Readonly<Record<string, string>> = {}, rest: object = {}): object => ({ id, uses: `acme/sluice/actions/${id}@v1`, with: { environment: 'production', ...inputs }, ...rest });

/** alike is the step again, under another name, and may fail. */
const alike = (id: string, name: string, inputs: Readonly<Record<string, string>>, rest: object = {}): object => ({ ...step(id, inputs, rest), id: name, 'continue-on-error': true });

/** pathWith is a folder of the programs that a step needs, with a Node or without. */
const pathWith = async (node?: string): Promise<string> => {
  const folder = join(await project({ 'programs/.keep': '' }), 'programs');
  for (const name of ['bash', 'sh', 'git', 'cat', 'env', 'uname', 'mkdir', 'cp', 'rm', 'tar', 'dirname']) {
    symlinkSync(execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(), join(folder, name));
  }
  if (node !== undefined) symlinkSync(node, join(folder, 'node'));
  return folder;
};

const file = '.github/workflows/x.yml';

const workflow = (steps: readonly object[]): string => {
  const env = { SLUICE_SECRETS: '${{ secrets.SLUICE_SECRETS }}', SLUICE_HOSTS: '127.0.0.1', SLUICE_STATE: join(stage.house.folder, 'state') };
  return JSON.stringify({ on: ['push', 'pull_request'], concurrency: 'production', jobs: { release: { 'runs-on': 'ubuntu-latest', env, steps: [{ uses: 'actions/checkout@v5' }, ...steps] } } });
};

(actIsHere ? describe : describe.skip)('the actions on act', () => {
  beforeAll(async () => {
    stage = await openActStage();
    const text = workflow([
      ...[step('validate', {}, { with: { config: 'sluice.yml' } }), step('plan', { traffic: '20' }), step('info'), step('snapshot'), step('deploy'), step('health-check'), step('publish-version', { name: 'the first' })],
      ...[step('canary'), step('versions'), step('logs', { since: '1h' }), step('notify', { title: 'A title', message: '`$(touch pwned)` "中文"' }), step('sweep')],
      ...[step('rollback', { version: stage.house.stable, reason: 'to try it' }), { id: 'release', uses: 'acme/sluice@v1', with: { environment: 'production' } }],
      alike('rollback', 'unknown', { version: 'nosuch' }),
      alike('deploy', 'mistyped', { environment: 'prodution' }),
      alike('validate', 'without', {}, { env: { PATH: await pathWith() } }),
      alike('validate', 'old', {}, { env: { PATH: await pathWith(join(repository, '.tools/node18/node_modules/node/bin/node')) } }),
      { run: 'echo "the password is ${{ fromJSON(secrets.SLUICE_SECRETS).DIFY_PASSWORD }}."' },
      { run: 'echo "STEPS=$(printf %s "$STEPS" | base64 -w 0)"', env: { STEPS: '${{ toJSON(steps) }}' } },
      { ...step('rollback', { version: 'nosuch' }), id: 'last' },
      { if: 'always()', run: 'echo "then ${{ steps.last.outputs.status }}, ${{ steps.last.outputs.category }}"' },
      { run: 'echo never' },
    ]);
    const { email, password } = stage.house.lab.dify.credentials;
    // act itself hides what it is given as a secret, here the whole text: what is hidden of its parts is our doing.
    const secrets = { SLUICE_SECRETS: JSON.stringify({ DIFY_EMAIL: email, DIFY_PASSWORD: password, SLACK_WEBHOOK: stage.house.lab.inbox.slack.url }) };
    ran = await stage.run(file, { [file]: text }, { secrets });
    const [, encoded = ''] = /^STEPS=([A-Za-z0-9+/=]+)$/m.exec(ran.said) ?? [];
    told = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8') || '{}') as typeof told;
  }, 180_000);
  afterAll(() => stage.house.close());

  test('each step does its work, and gives its outputs to the steps after it', () => {
    const ended = (id: string): unknown => [told[id]?.outcome, told[id]?.outputs['status']];
    const ids = ['validate', 'plan', 'info', 'snapshot', 'deploy', 'health-check', 'publish-version', 'canary', 'versions', 'logs', 'notify', 'rollback', 'release'];
    expect(Object.fromEntries(ids.map((id) => [id, ended(id)]))).toEqual(Object.fromEntries(ids.map((id) => [id, ['success', 'passed']])));
    expect({ sweep: ended('sweep'), reason: told['sweep']?.outputs['reason'] }).toEqual({ sweep: ['success', 'skipped'], reason: expect.stringMatching(/^no canary is open/) });
    expect(told['canary']?.outputs).toMatchObject({ verdict: 'promote', candidate: told['publish-version']?.outputs['version'] });
    expect(told['rollback']?.outputs['previous-version']).toBe(told['publish-version']?.outputs['version']);
    expect(told['release']?.outputs['version']).not.toBe('');
  });

  test('an input arrives as it was written, and nothing in it is run', () => {
    expect(JSON.stringify(stage.house.lab.inbox.messages())).toContain('$(touch pwned)');
    expect(JSON.stringify(stage.house.lab.inbox.messages())).toContain('中文');
    expect(existsSync(join(stage.house.folder, 'pwned'))).toBe(false);
  });

  test('each step has its part in the summary', () => {
    for (const heading of ['validate: passed', 'plan: passed', 'canary: passed', 'sweep: skipped', 'release: passed', 'deploy: error']) expect(ran.summaries).toMatch(new RegExp(`^## ${heading}$`, 'm'));
  });

  test('what is in SLUICE_SECRETS is hidden, also from what other steps print', () => {
    expect(ran.said).toMatch(/^the password is \*\*\*\.$/m);
    const { email, password } = stage.house.lab.dify.credentials;
    for (const secret of [email, password, stage.house.lab.inbox.slack.url]) expect(ran.said.includes(secret)).toBe(false);
  });

  test('a step that fails fails the job with its reason, its outputs are there, and only what runs always runs after it', () => {
    expect({ code: ran.code, results: ran.results }).toEqual({ code: 1, results: { release: 'failure' } });
    expect(ran.said).toMatch(/^then error, input$/m);
    expect(ran.said).not.toMatch(/^never$/m);
    expect(told['unknown']).toMatchObject({ outcome: 'failure', outputs: { status: 'error', reason: expect.stringMatching(/has no version nosuch$/) } });
    expect(ran.annotations).toContainEqual(expect.stringMatching(/^error sluice rollback: .*has no version nosuch$/));
  });

  // The real runner passes keys that action.yml does not know, too; act drops them, so that only values are tried here.
  test('a value that sluice.yml does not know is refused, with the one that may be meant', () => {
    expect(told['mistyped']).toMatchObject({ outcome: 'failure' });
    expect(ran.annotations).toContain('error sluice deploy: there is no environment "prodution"; did you mean "production"?');
  });

  test('without a Node, and with Node 18, it is said what was passed over and what to add', () => {
    expect([told['without']?.outcome, told['old']?.outcome]).toEqual(['failure', 'failure']);
    const add = 'Add a step before this one: uses: actions/setup-node with node-version: 24.';
    expect(ran.annotations).toContain(`error Sluice: No Node.js 20 or newer was found. ${add}`);
    expect(ran.annotations).toContainEqual(expect.stringMatching(/^error Sluice: No Node\.js 20 or newer was found\. Passed over: \S+programs\/node \(v18\.20\.8\)\. Add a step/));
  });

  test('for a pull request from a fork, which has no secrets, what may not be done is a notice and no failure', async () => {
    const repository = { full_name: 'acme/app' };
    const event = { repository, pull_request: { number: 12, head: { ref: 'x', repo: { full_name: 'mallory/app' } }, base: { ref: 'main', repo: repository } } };
    const steps = [{ id: 'validate', uses: 'acme/sluice/actions/validate@v1' }, step('release'), step('canary')];
    const { code, results, annotations, summaries } = await stage.run(file, { [file]: workflow(steps) }, { secrets: {}, event: ['pull_request', event] });
    expect({ code, results }).toEqual({ code: 0, results: { release: 'success' } });
    expect(annotations).toEqual(['notice sluice release was skipped: pull requests belong to no environment', 'notice sluice canary was skipped: pull requests belong to no environment']);
    expect(summaries).toMatch(/^## validate: passed$[^]*^## release: skipped$/m);
  }, 60_000);
});
