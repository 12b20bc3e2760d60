import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openProject, type LabProject } from '../lab-project.ts';
import { project } from '../sluice-process.ts';
import { legs, type Told } from './parity-legs.ts';

/*
 * The same release on a terminal and on three CI engines, each with a lab of its own from the same seed: the result
 * documents are the same, byte for byte, but for what `neutral` puts aside, and every engine hands on the same outputs.
 */

for (const { name, ready } of legs) if (!ready) process.stderr.write(`test/engines/parity: not shown on ${name}, which is not installed (see .ci/run)\n`);

/** measured are the keys whose values are times: each must be a number of milliseconds or a moment, and no more is asked of it. */
const measured = new Set(['startedAt', 'durationMs', 'latencyMs', 'atMs']);

/** ofTheRun are the keys that say which run of which CI made a document. */
const ofTheRun = new Set(['run', 'job']);

const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const timeless = (key: string, value: unknown): unknown => {
  if (ofTheRun.has(key)) return undefined;
  if (!measured.has(key)) return value;
  if (typeof value === 'number' ? value >= 0 : typeof value === 'string' && moment.test(value)) return '(a time)';
  return `(no time: ${String(value)})`;
};

/**
 * neutral puts aside what cannot be the same: times, the CI's own number of the run and the job, the addresses of the
 * lab, the folder of the snapshot up to `.sluice`, and ids that the server made up, which become their number in the order in
 * which they are met.
 */
const neutral = (house: LabProject): ((text: string) => string) => {
  const ids = new Map<string, string>();
  return (text) =>
    text
      .replaceAll(house.lab.dify.origin, '(console)')
      .replaceAll(house.lab.gateway.origin, '(gateway)')
      .replaceAll(new URL(house.lab.inbox.slack.url).host, '(channel)')
      .replace(/(?:\/[^/\s"]+)+\/\.sluice\//g, '(folder)/.sluice/')
      .replace(/\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/g, (id) => {
        if (!ids.has(id)) ids.set(id, `(id ${ids.size + 1})`);
        return ids.get(id) ?? '';
      });
};

interface Compared {
  readonly passed: boolean;
  readonly documents: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
}

const compared = (house: LabProject, { passed, documents, outputs }: Told): Compared => {
  const clean = neutral(house);
  return {
    passed,
    documents: Object.fromEntries(Object.entries(documents).map(([name, text]) => [name, clean(`${JSON.stringify(JSON.parse(text, timeless), null, 2)}\n`)])),
    outputs: Object.fromEntries(Object.entries(outputs).sort(([one], [other]) => (one < other ? -1 : 1)).map(([name, value]) => [name, clean(value)])),
  };
};

interface ProjectConfig {
  readonly environments: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** run runs a scenario on all engines at once: they wait most of the time. */
const run = async (change: (config: ProjectConfig) => object): Promise<Readonly<Record<string, Compared & { readonly log: string }>>> => {
  const told = await Promise.all(
    legs.filter(({ ready }) => ready).map(async (leg) => {
      const house = await openProject({ pairs: 12, minimum: 3, watch: ['errors'] });
      try {
        const file = join(house.folder, 'sluice.yml');
        writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, 'utf8')) as ProjectConfig)));
        const ended = await leg.run(house, await project({}));
        return [leg.name, { ...compared(house, ended), log: ended.log }] as const;
      } finally {
        await house.close();
      }
    }),
  );
  return Object.fromEntries(told);
};

/** judgedByPairs is the project without its gateway: what users happen to have been answered when a window ends is in no document. */
const judgedByPairs = ({ environments, ...config }: ProjectConfig): object => {
  const { gateway: _gateway, ...production } = environments['production'] ?? {};
  return { ...config, environments: { production } };
};

describe.each<[string, (config: ProjectConfig) => object, object]>([
  ['a release that passes', judgedByPairs, { passed: true, steps: ['validate', 'snapshot', 'deploy', 'health-check', 'canary', 'publish-version', 'health-check', 'notify', 'release'], outputs: { status: 'passed' } }],
  ['one whose health check fails', (config) => ({ ...config, health: { ask: [{ query: 'hello', expect: { contains: 'nosuchword' } }] } }), { passed: false, outputs: { status: 'failed', 'failed-step': 'health-check' } }],
])('%s', (_, change, wanted) => {
  test('says the same on every engine', async () => {
    const { terminal, ...others } = await run(change);
    const steps = Object.keys(terminal?.documents ?? {}).map((name) => name.replace(/^\d\d-(.*)\.json$/, '$1'));
    expect({ ...terminal, steps }).toMatchObject(wanted);
    for (const [name, { log, documents, passed, outputs }] of Object.entries(others)) {
      if (passed !== terminal?.passed || Object.keys(documents).length === 0) throw new Error(`${name} ended otherwise:\n${log}`);
      expect({ name, documents }).toEqual({ name, documents: terminal.documents });
      expect({ name, outputs }).toEqual({ name, outputs: terminal.outputs });
    }
  });
});
