import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { lintPipeline, pipelineFiles, pipelineRules, type PipelineFile } from '../src/index.ts';
import { timed } from '../../../test/cpu-time.ts';

const repository = new URL('../../../', import.meta.url).pathname;

const rulesIn = (text: string, kind: PipelineFile['kind'] = 'shell'): readonly string[] => lintPipeline({ kind, path: 'ci', text }).map(({ rule, place }) => `${rule}:${place.line ?? 0}`);

describe('command lines', () => {
  test.each<[string, string, string[]]>([
    ['a health check that says something instead of failing', 'curl -f https://a.example.com/health || echo "not ready, continuing"', ['pipeline/check-cannot-fail:1']],
    ['over two lines', '  - curl -sf https://a.example.com \\\n      || true', ['pipeline/check-cannot-fail:1']],
    ['with wget and :', 'wget -q --spider https://a || :', ['pipeline/check-cannot-fail:1']],
    ['an address of health without --fail', 'curl -s https://a.example.com/healthz || true', ['pipeline/check-cannot-fail:1']],
    ['a download that may fail', 'wget -q https://a/cache.tar.gz || true; curl -fsSLo x.tgz https://a/x.tgz || true; curl -fO https://a/x || true', []],
    ['a notice that may fail', `curl -fsS -X POST -H 'Content-Type: application/json' --data '{"text":"live"}' https://hooks.example.com/x || true`, []],
    ['a clean-up that may fail', 'curl -sf "https://api.example.com/tunnels/1/connections" \\\n  --request DELETE || true', []],
    ['a code that is printed for people', 'curl -s -o /dev/null -w "%{http_code}" --proxy http://proxy:3128 https://a.example.com || true', []],
    ['one that leaves with a code of its own', 'curl -f https://a || { echo bad; exit 1; }', []],
    ['one whose echo is followed by an exit', 'curl -f https://a || echo bad && exit 1', []],
    ['a text that is judged later', 'STATE=$(curl -s https://a || echo none)', []],
    ['a comment', '# curl -f https://a || echo bad', []],
    ['a gate of ours that cannot fail', 'node ../sluice/dist/index.js canary || true', ['pipeline/gate-cannot-fail:1']],
    ['a gate of ours in quotes', 'node "$SLUICE_HOME/dist/index.js" health-check || echo bad', ['pipeline/gate-cannot-fail:1']],
    ['one that compares the code', 'node dist/index.js canary || test $? = 6', []],
    ['a pipe without pipefail', 'node dist/index.js release | tee log', ['pipeline/exit-code-lost:1']],
    ['a pipe with pipefail', 'set -o pipefail\nnode dist/index.js release | tee log', []],
    ['-o json', 's info -o json', ['pipeline/s-json-hides-failure:1']],
    ['--output-format json', 'npx -y @serverless-devs/s deploy -t s.yaml --output-format json', ['pipeline/cli-unpinned:1', 'pipeline/s-json-hides-failure:1']],
    ['--output json', 's info --silent --output json', []],
    ['another program with -o json', 'kubectl get pods -o json; rows version -o json', []],
    ['config add --alias', 's config add --alias default', ['pipeline/s-config-alias:1']],
    ['keys in arguments', 's config add --AccessKeyID "$A" --AccessKeySecret "$B" -a default', ['pipeline/keys-in-arguments:1']],
    ['an address by grep', "URL=$(s info -t s.prod.yaml | grep -oP 'https://[^ ]+' | head -1)", ['pipeline/address-by-grep:1']],
    ['errors thrown away', 's info 2>/dev/null', ['pipeline/errors-thrown-away:1']],
    ['a CLI of whatever version', 'npm install -g @serverless-devs/s', ['pipeline/cli-unpinned:1']],
    ['@latest', 'npm i -g @serverless-devs/s@latest', ['pipeline/cli-unpinned:1']],
    ['a pinned CLI', 'npm install -g @serverless-devs/s@3.1.10', []],
    ['an import by hand', 'curl -X POST "$DIFY/console/api/apps/imports" -d @app.json', ['pipeline/import-by-hand:1']],
  ])('%s', (_name, text, rules) => {
    expect(rulesIn(text)).toEqual(rules);
  });

  test('tell the line and the column, from 1', () => {
    const [finding] = lintPipeline({ kind: 'shell', path: 'bitbucket-pipelines.yml', text: '# 发布\nsteps:\n  - s deploy -o json\n' });
    expect(finding?.place).toEqual({ file: 'bitbucket-pipelines.yml', line: 3, column: 5 });
  });

  test('a line of a megabyte is read in no time', () => {
    expect(timed(() => rulesIn(`s info ${'| grep '.repeat(150_000)}`)).ms).toBeLessThan(1000);
  });
});

const release = '    steps: [{ uses: acme/sluice@v1 }]';

describe('GitHub', () => {
  test.each<[string, string, string[]]>([
    ['a release without a group', `jobs:\n  a:\n${release}`, ['pipeline/no-concurrency:2']],
    ['a group of the job', `jobs:\n  a:\n    concurrency: production\n${release}`, []],
    ['a group of the workflow', `concurrency: production\njobs:\n  a:\n${release}`, []],
    ['a release that is cancelled', `jobs:\n  a:\n    concurrency: { group: x, cancel-in-progress: true }\n${release}`, ['pipeline/release-cancelled:3']],
    ['a validate needs no group', 'jobs:\n  a:\n    steps: [{ uses: acme/sluice/actions/validate@v1 }]', []],
    ['a bundle of ours', 'jobs:\n  a:\n    steps:\n      - run: node /tmp/sluice/dist/index.js release', ['pipeline/no-concurrency:2']],
    ['a gate that is ignored', 'concurrency: x\njobs:\n  a:\n    steps:\n      - uses: acme/sluice/actions/canary@v1\n        continue-on-error: true', ['pipeline/gate-ignored:6']],
    ['a gate whose outcome is looked at', 'concurrency: x\njobs:\n  a:\n    steps:\n      - id: canary\n        uses: acme/sluice/actions/canary@v1\n        continue-on-error: true', []],
    ['a branch', 'concurrency: x\njobs:\n  a:\n    steps: [{ uses: acme/sluice@main }]', ['pipeline/sluice-unpinned:4']],
    ['a called workflow', 'jobs:\n  a:\n    uses: acme/sluice/.github/workflows/release.yml@v1', []],
    ['one of a branch', 'jobs:\n  a:\n    uses: acme/sluice/.github/workflows/release.yml@main', ['pipeline/sluice-unpinned:3']],
    ['another action with such a name', 'jobs:\n  a:\n    steps: [{ uses: acme/sluice-gate@main }]', []],
    ['no workflow at all', '- 1\n- 2', []],
    ['a file that is broken', 'jobs: [', []],
  ])('%s', (_name, text, rules) => {
    expect(rulesIn(text, 'github')).toEqual(rules);
  });
});

describe('GitLab', () => {
  const script = 'release:\n  script: [node /tmp/sluice/dist/index.js release]';
  test.each<[string, string, string[]]>([
    ['a release without a group', script, ['pipeline/no-concurrency:1']],
    ['with one', `${script}\n  resource_group: production`, []],
    ['one that may have it from elsewhere', `${script}\n  extends: .release`, []],
    ['one that has it from a job of this file', '.group:\n  resource_group: production\nrelease:\n  extends: [.group]\n  script: [node dist/index.js release]', []],
    ['a command from a job of this file', '.release:\n  script: [node dist/index.js release]\nproduction:\n  extends: .release', ['pipeline/no-concurrency:3']],
    ['jobs that extend each other', '.a: { extends: .b }\n.b: { extends: .a }\nrelease: { extends: .a, script: [node dist/index.js release] }', ['pipeline/no-concurrency:3']],
    ['a gate that is ignored', `${script}\n  resource_group: x\n  allow_failure: true`, ['pipeline/gate-ignored:4']],
    ['too little evidence that is let through', `${script}\n  resource_group: x\n  allow_failure: { exit_codes: [6] }`, []],
    ['a release that is cancelled', `${script}\n  resource_group: x\n  interruptible: true`, ['pipeline/release-cancelled:4']],
    ['a component of whatever version', 'include:\n  - component: gitlab.example.com/acme/sluice/release@~latest', ['pipeline/sluice-unpinned:2']],
    ['a component of a version', 'include:\n  component: gitlab.example.com/acme/sluice/release@1', []],
  ])('%s', (_name, text, rules) => {
    expect(rulesIn(text, 'gitlab')).toEqual(rules);
  });
});

describe('Jenkins', () => {
  test.each<[string, string, string[]]>([
    ['a release that two builds may do', "node {\n  sluiceRelease(environment: 'production')\n}", ['pipeline/no-concurrency:2']],
    ['one at a time', "properties([disableConcurrentBuilds()])\nnode {\n  sluiceRelease(environment: 'production')\n}", []],
    ['under a lock', "lock('production') { sluiceRelease(environment: 'production') }", []],
    ['only a check', 'node { sluiceValidate() }', []],
    ['a commented release', "// sluiceRelease(environment: 'production')", []],
  ])('%s', (_name, text, rules) => {
    expect(rulesIn(text, 'jenkins')).toEqual(rules);
  });
});

test('every rule that the code gives is listed, and every one that is listed is given', async () => {
  const sources = await Promise.all(['shell-rules', 'github-rules', 'gitlab-rules', 'jenkins-rules'].map((name) => readFile(new URL(`../src/${name}.ts`, import.meta.url), 'utf8')));
  const given = sources.flatMap((text) => [...text.matchAll(/'(pipeline\/[a-z-]+)'/g)].map(([, id]) => id));
  expect([...new Set(given)].toSorted()).toEqual(pipelineRules.map(({ id }) => id).toSorted());
});

describe('files', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'sluice-pipelines-'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));
  const write = async (path: string, text = 'x: 1'): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  };

  test('are those of the repository around the project and of the project, and no others', async () => {
    for (const path of ['.git/HEAD', '.github/workflows/b.yml', '.github/workflows/a.yaml', '.github/workflows/notes.md', '.gitlab-ci.yml', 'apps/bot/Jenkinsfile', 'apps/other/Jenkinsfile']) await write(path);
    const found = await pipelineFiles(join(root, 'apps/bot'), 'apps/bot');
    expect(found.map(({ kind, path }) => `${kind} ${path}`)).toEqual(['github .github/workflows/a.yaml', 'github .github/workflows/b.yml', 'gitlab .gitlab-ci.yml', 'jenkins apps/bot/Jenkinsfile']);
  });

  test('without Git only the project has some; one that is too large or no text is left out', async () => {
    for (const path of ['.gitlab-ci.yml', 'bot/Jenkinsfile']) await write(path);
    await write('bot/.circleci/config.yml', 'x'.repeat(1024 * 1024 + 1));
    await writeFile(join(root, 'bot/bitbucket-pipelines.yml'), Uint8Array.of(0xff, 0xfe, 0xfd));
    expect((await pipelineFiles(join(root, 'bot'), '')).map(({ path }) => path)).toEqual(['Jenkinsfile']);
  });

  test('of this repository have none of these habits', async () => {
    const folder = join(repository, '.github/workflows');
    const own = await Promise.all((await readdir(folder)).map(async (name) => ({ kind: 'github' as const, path: name, text: await readFile(join(folder, name), 'utf8') })));
    expect(own.length).toBeGreaterThan(3);
    expect(own.flatMap(lintPipeline)).toEqual([]);
  });

  test('of our examples have none', async () => {
    for (const example of ['order-agent', 'support-bot']) {
      const files = (await pipelineFiles(join(repository, 'examples', example), '')).filter(({ path }) => !path.startsWith('..'));
      expect(files.length).toBe(example === 'order-agent' ? 3 : 0);
      expect(files.flatMap(lintPipeline)).toEqual([]);
    }
  });

  test("of our pages have none either: workflows, pipelines and Jenkinsfiles as they are copied", async () => {
    const kinds = { 'docs/github.md': 'github', 'docs/gitlab.md': 'gitlab', 'docs/jenkins.md': 'jenkins', 'README.md': 'shell' } as const;
    for (const [page, kind] of Object.entries(kinds)) {
      const text = await readFile(join(repository, page), 'utf8');
      const blocks = [...text.matchAll(/```(?:yaml|groovy)\n([^]*?)```/g)].map(([, block = '']) => block);
      expect(blocks.length).toBeGreaterThan(0);
      for (const block of blocks) expect({ page, found: lintPipeline({ kind, path: page, text: block }) }).toEqual({ page, found: [] });
    }
  });
});
