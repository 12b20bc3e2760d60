import { cpSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { project } from '../sluice-process.ts';
import { actIsHere, openActStage, type ActStage, type Run } from './act-stage.ts';
import { read, shownWorkflows } from './shown-workflows.ts';

/* The workflows that others call, each from a job of its own, one after the other on one lab. */

let stage: ActStage;
let ran: Run;

/** called are our workflows without the checkout of Sluice at their own commit, which act does not know: it lies there already. */
const called = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    ['release', 'rollback', 'sweep', 'backup'].map((name) => {
      const path = `.github/workflows/${name}.yml`;
      const text = read(path);
      const without = text.replaceAll(/ {6}- name: Check out Sluice at the commit of this workflow\n(?: {8}.*\n)+/g, '');
      if (without === text) throw new Error(`${path} does not check out Sluice`);
      return [path, without];
    }),
  );

const upload = JSON.stringify({
  name: 'upload',
  description: 'Says what it was given.',
  inputs: Object.fromEntries(['name', 'path'].map((name) => [name, { description: name }])),
  runs: { using: 'composite', steps: [{ shell: 'bash', env: { NAME: '${{ inputs.name }}', FOLDER: '${{ inputs.path }}' }, run: 'echo "kept as $NAME: $(cd "$FOLDER" && find . -type f | sort | tr "\\n" " ")"' }] },
});

/** smallest is the one job of the page's first workflow, for the lab's Dify. */
const smallest = (): object => {
  const text = (shownWorkflows['docs/github.md-0.yml'] ?? '').replace('OWNER/sluice', 'acme/sluice').replace('dify.example.com', '127.0.0.1');
  return (parse(text) as { readonly jobs: { readonly release: object } }).jobs.release;
};

const calling = (workflow: string, needs: readonly string[], inputs: object = {}): object => ({
  ...(needs.length === 0 ? {} : { needs, if: 'always()' }),
  uses: `./.github/workflows/${workflow}.yml`,
  with: { environment: 'production', ...inputs },
  secrets: { SLUICE_SECRETS: '${{ secrets.SLUICE_SECRETS }}' },
});

(actIsHere ? describe : describe.skip)('the called workflows on act', () => {
  beforeAll(async () => {
    stage = await openActStage();
    const { house } = stage;
    cpSync(stage.sluice, join(house.folder, '.sluice-actions'), { recursive: true });
    const config = JSON.parse(await readFile(join(house.folder, 'sluice.yml'), 'utf8')) as object;
    await writeFile(join(house.folder, 'broken.yml'), JSON.stringify({ ...config, health: { ask: [{ query: 'hello', expect: { contains: 'what no answer has' } }] } }));
    const jobs = {
      first: calling('release', []),
      told: { needs: 'first', 'runs-on': 'ubuntu-latest', steps: [{ run: 'echo "the release: ${{ needs.first.outputs.status }}, ${{ needs.first.outputs.reason }}"' }] },
      back: calling('rollback', ['first'], { version: house.stable, reason: 'to try it' }),
      swept: calling('sweep', ['back']),
      kept: calling('backup', ['swept']),
      smallest: { ...smallest(), needs: 'kept' },
      broken: calling('release', ['smallest'], { config: 'broken.yml' }),
    };
    const file = '.github/workflows/x.yml';
    const { email, password } = house.lab.dify.credentials;
    const secrets = { DIFY_EMAIL: email, DIFY_PASSWORD: password, SLUICE_SECRETS: JSON.stringify({ DIFY_EMAIL: email, DIFY_PASSWORD: password, SLUICE_HOSTS: '127.0.0.1' }) };
    const [, upload4 = ''] = /uses: (actions\/upload-artifact@\w+)/.exec(read('.github/workflows/release.yml')) ?? [];
    const actions = { [upload4]: await project({ 'action.yml': upload }) };
    ran = await stage.run(file, { ...called(), [file]: JSON.stringify({ on: 'push', jobs }) }, { secrets, actions, environment: { SLUICE_STATE: join(house.folder, 'state'), SLACK_WEBHOOK: house.lab.inbox.slack.url } });
  }, 180_000);
  afterAll(() => stage.house.close());

  test('release: its outputs reach the job after it, and its results are kept', () => {
    expect(ran.annotations.filter((one) => !one.startsWith('error sluice release: health-check: ') && !one.startsWith('error sluice health-check: '))).toEqual([]);
    expect(ran.said).toMatch(/^the release: passed, released: everybody gets version \S+$/m);
    expect(ran.said).toMatch(/^kept as sluice-production: .*\.\/06-canary\.json .*\.\/09-release\.json .*\.\/report\.html/m);
  });

  test('rollback, with the version and the reason that were given; sweep; backup, which keeps what is live', () => {
    expect(ran.results).toMatchObject({ told: 'success', rollback: 'success', snapshot: 'success' });
    expect(ran.said).toMatch(/^rollback passed in [^:]+: .* is live again; before it was /m);
    expect(ran.said).toMatch(/^kept as snapshot-production: \.\/app\.yml \.\/snapshot\.json/m);
  });

  test("the page's first workflow releases", () => {
    expect({ smallest: ran.results['smallest'], annotations: ran.annotations }).toMatchObject({ smallest: 'success' });
  });

  test('a release that fails fails the workflow, keeps its results, and the sweep in the job after it runs all the same', () => {
    expect({ code: ran.code, release: ran.results['release'], sweep: ran.results['sweep'] }).toEqual({ code: 1, release: 'failure', sweep: 'success' });
    expect(ran.annotations).toContainEqual(expect.stringMatching(/^error sluice release: health-check: /));
    expect(ran.said).toMatch(/^kept as sluice-production: .*-health-check\.json .*-release\.json/m);
    expect(ran.said).toMatch(/^release failed in [^]*^sweep skipped in /m);
  });

  test('no secret is printed', () => {
    const { email, password } = stage.house.lab.dify.credentials;
    for (const secret of [email, password, stage.house.lab.inbox.slack.url]) expect(ran.said.includes(secret)).toBe(false);
  });
});
