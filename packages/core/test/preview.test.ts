import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { previewDescription, previewKeepMs, previewNameFault, readConfig, readPreviewMark, selectEnvironment, selectPreview, type HostContext, type Project } from '../src/index.ts';

const slug = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,62}$/);
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,38}[a-z0-9]$/);

describe('the mark of a preview', () => {
  test('is read back as it was written, and fits the smallest limit of a platform', () => {
    fc.assert(fc.property(name, slug, (own, project) => {
      const text = previewDescription({ name: own, project });
      expect(readPreviewMark(text)).toEqual({ name: own, project });
      expect(text.length).toBeLessThanOrEqual(256);
    }), { seed: 12 });
  });

  test.each([['', 'sluice preview', 'sluice preview pr-12', 'a copy of sluice preview pr-12 of bot. Made', 'sluice preview PR-12 of bot. Made', 'sluice preview pr-12 of bot', 'Sluice preview pr-12 of bot. Made']].flat())('"%s" is none', (text) => {
    expect(readPreviewMark(text)).toBeUndefined();
  });
});

test.each([['pr-12', true], ['pr-12-blue', true], ['a', false], ['12', false], ['PR-12', false], ['pr_12', false], ['pr-12-', false], ['../pr-1', false], ['p'.repeat(40), true], ['p'.repeat(41), false]])('the name "%s" is good: %p', (given, good) => {
  expect(previewNameFault(given) === undefined).toBe(good);
});

const read = (environments: string) => readConfig('sluice.yml', `name: bot\nsource: app.yml\nenvironments:\n${environments}`, '/p');

const project = (environments: string): Project => {
  const config = read(environments);
  if (!config.ok) throw new Error(config.problem.reason);
  return config.value;
};

describe('the key preview', () => {
  test.each([['true', 14 * 86_400_000], ['{ keep: 3d }', 3 * 86_400_000], ['{}', 14 * 86_400_000]])('%s keeps previews for %i ms', (value, keep) => {
    const { config } = project(`  previews: { preview: ${value}, dify: 'https://dify.example.com' }\n`);
    const [environment] = Object.values(config.environments);
    expect(environment === undefined ? undefined : previewKeepMs(environment)).toBe(keep);
  });

  test.each([
    ['preview: false', /preview/],
    ['preview: { keep: soon }', /must be a duration/],
    ['preview: true, branches: [main]', /branches, gateway and canary have no meaning/],
    ['preview: true, canary: true', /branches, gateway and canary have no meaning/],
  ])('{ %s } is refused', (keys, reason) => {
    const config = read(`  previews: { ${keys}, dify: 'https://dify.example.com' }\n`);
    expect(config.ok ? 'taken' : JSON.stringify(config.problem)).toMatch(reason);
  });

  test.each([['preview: true, agentrun: { endpoint: production }', false], ['preview: true, agentrun: {}', true], ['agentrun: {}', false], ['agentrun: { endpoint: production }', true]])('{ %s } is taken: %p', (keys, taken) => {
    expect(read(`  one: { ${keys} }\n`).ok).toBe(taken);
  });
});

const both = "  production: { dify: 'https://dify.example.com/app/4d0a7a4e-1c7e-4b1e-9a51-0b7a4c4b1f11' }\n  previews: { preview: true, dify: 'https://dify.example.com' }\n";
const ci: HostContext = { commit: '', branch: '', tag: '', repository: '', actor: '', runUrl: '', runId: '', event: 'pull_request', onCi: true };
const own = { ...ci, pullRequest: { number: 12, fork: false } };

describe('the environment for previews', () => {
  test.each([
    ['the only one', both, undefined, own, 'previews'],
    ['the named one', both, 'previews', own, 'previews'],
    ['without a request, too', both, undefined, { ...ci, event: 'push' }, 'previews'],
  ])('is %s', (_what, environments, input, context, found) => {
    expect(selectPreview(project(environments), { context, host: 'github', ...(input === undefined ? {} : { input }) })).toMatchObject({ ok: true, value: { name: found } });
  });

  test.each([
    ['one that is released to', both, 'production', own, /production is not for previews/],
    ['one that is not there', both, 'preview', own, /did you mean "previews"/],
    ['none', "  production: { dify: 'https://dify.example.com/app/4d0a7a4e-1c7e-4b1e-9a51-0b7a4c4b1f11' }\n", undefined, own, /no environment of sluice.yml is for previews/],
    ['one of two', `${both}  more: { preview: true, dify: 'https://other.example.com' }\n`, undefined, own, /several environments are for previews: previews, more/],
    ['any on the wrong event', both, undefined, { ...own, event: 'workflow_run' }, /on the event pull_request, not on workflow_run/],
  ])('is not %s', (_what, environments, input, context, reason) => {
    const found = selectPreview(project(environments), { context, host: 'github', ...(input === undefined ? {} : { input }) });
    expect(found.ok ? found.value : found.problem).toMatchObject({ category: 'input', reason: expect.stringMatching(reason) });
  });

  test('is not looked for on a fork, whatever else is wrong', () => {
    const context = { ...ci, event: 'pull_request_target', pullRequest: { number: 1, fork: true } };
    expect(selectPreview(project(both), { context, host: 'github', input: 'nonsense' })).toMatchObject({ ok: true, value: { skipped: expect.stringContaining('forks get no preview') } });
  });

  test('does not keep a terminal from finding the only one to release to', () => {
    expect(selectEnvironment(project(both), { context: { ...ci, event: '', onCi: false } })).toMatchObject({ ok: true, value: { name: 'production' } });
  });
});
