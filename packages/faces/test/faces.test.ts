import { describe, expect, test } from '@jest/globals';
import * as z from 'zod/mini';
import { parse, parseAllDocuments } from 'yaml';
import { defineStep, endingOutputs, outputsOf, resultOf, type AnyStep } from '@sluice/core';
import { loadStep, stepNames } from '@sluice/steps';
import { actionYml, generatedFiles } from '../src/index.ts';

// One after the other: Jest links modules that are imported at the same time wrongly.
const steps: AnyStep[] = [];
for (const name of stepNames) steps.push(await loadStep(name));
const readme = ['steps', 'exposure'].map((name) => `<!-- generated:${name} -->\nstale text\n<!-- /generated:${name} -->`).join('\n');
const whole = steps.find(({ name }) => name === 'release') as AnyStep;
const files = generatedFiles({ steps, whole, exposures: [], rights: { conditional: [{ when: '`evict: true`', action: 'agentrun:UpdateAgentRuntime', resources: ['*'], steps: ['canary', 'rollback'] }], steps: [{ step: 'deploy', policy: { Version: '1' } }, { step: 'notify', policy: undefined }], trusts: { GitHub: { Version: '1' } }, longest: 2048 }, origin: { repository: 'https://git.example.com/acme/sluice', reference: 'v1' }, readme });

interface Action {
  readonly name: string;
  readonly description: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly runs: unknown;
}

const actionAt = (path: string): Action => parse(files[path] ?? '', { strict: true, uniqueKeys: true }) as Action;

const faces: readonly (readonly [path: string, step: AnyStep, script: string])[] = [
  ['action.yml', whole, '$GITHUB_ACTION_PATH/actions/run.sh'],
  ...steps.map((step) => [`actions/${step.name}/action.yml`, step, '$GITHUB_ACTION_PATH/../run.sh'] as const),
];

const ending = Object.keys(endingOutputs);
const schemaOf = (step: AnyStep): z.core.JSONSchema.JSONSchema => z.toJSONSchema(step.inputs, { io: 'input' });

/** tablesOf are the Markdown tables of a text, each as its rows of cells without the head. */
const tablesOf = (markdown: string): readonly (readonly (readonly string[])[])[] =>
  [...markdown.matchAll(/^\|.*\|\n\|(?: --- \|)+\n((?:\|.*\|\n?)*)/gm)].map(([, rows = '']) =>
    rows.split('\n').filter((row) => row !== '').map((row) => row.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim())),
  );

const names = (table: readonly (readonly string[])[] | undefined): readonly string[] => (table ?? []).map(([name = '']) => name.replaceAll('`', ''));

describe.each(faces)('%s', (path, step, script) => {
  const action = actionAt(path);

  test('has the inputs of its step, no more and no less, and no default', () => {
    const { properties = {} } = schemaOf(step);
    expect(Object.keys(action.inputs)).toEqual(Object.keys(properties));
    expect(Object.keys(action.inputs).length).toBeLessThanOrEqual(8);
    for (const [name, input] of Object.entries(action.inputs)) {
      const property = properties[name] as { description: string; enum?: readonly string[] };
      expect(input).toEqual({ description: expect.stringContaining(property.description), required: false });
      for (const value of property.enum ?? []) expect(input).toEqual(expect.objectContaining({ description: expect.stringContaining(`\`${value}\``) }));
    }
  });

  test('maps the outputs of its step and how it ended, no more and no less', () => {
    expect(Object.keys(action.outputs)).toEqual([...Object.keys(step.outputs), ...ending]);
    for (const [name, output] of Object.entries(action.outputs)) {
      const description = { ...endingOutputs, ...Object.fromEntries(Object.entries(step.outputs).map(([own, one]) => [own, one.description])) }[name];
      expect(output).toEqual({ description, value: `\${{ steps.run.outputs.${name} }}` });
    }
  });

  test('runs one line of bash whose text is fixed', () => {
    expect(action.runs).toEqual({
      using: 'composite',
      steps: [{ id: 'run', shell: 'bash', env: { SLUICE_INPUTS: '${{ toJSON(inputs) }}' }, run: `source "${script}" ${step.name}` }],
    });
  });

  test('has a name of its own and a description that the Marketplace shows whole', () => {
    expect(action.description).toBe(step.summary);
    expect(action.description.length).toBeLessThanOrEqual(125);
    expect(faces.filter(([other]) => actionAt(other).name === action.name)).toHaveLength(1);
  });
});

const ofJob = ['job', 'stage', 'image', 'timeout', 'repository', 'reference', 'commit'];

interface Template {
  readonly inputs: Readonly<Record<string, { readonly type: string; readonly description: string; readonly default?: string; readonly regex?: string }>>;
  readonly job: { readonly script: readonly string[]; readonly before_script: readonly string[]; readonly timeout: string; readonly variables: Readonly<Record<string, { readonly value: string; readonly expand: boolean }>> };
}

const templateOf = (step: AnyStep): Template => {
  const [head, jobs] = parseAllDocuments(files[`templates/${step.name}.yml`] ?? '', { strict: true, uniqueKeys: true }).map((document) => document.toJS() as Readonly<Record<string, unknown>>);
  return { inputs: (head?.['spec'] as { inputs: Template['inputs'] }).inputs, job: jobs?.['$[[ inputs.job ]]'] as Template['job'] };
};

describe.each(steps.map((step) => [step.name, step] as const))('templates/%s.yml', (name, step) => {
  const { inputs, job } = templateOf(step);
  const { properties = {} } = schemaOf(step);

  test('has the inputs of its step and those of the job, as text, no more and no less', () => {
    expect(Object.keys(inputs)).toEqual([...ofJob, ...(name === 'preview' ? ['auto-stop-in'] : []), ...Object.keys(properties)]);
    for (const [input, property] of Object.entries(properties)) {
      expect(inputs[input]).toMatchObject({ type: 'string', description: expect.stringContaining((property as { description: string }).description) });
    }
  });

  test('has no default that would beat sluice.yml, and lets what is left out through its pattern', () => {
    for (const input of Object.keys(properties)) {
      const face = inputs[input];
      const required = input === 'environment' && !step.offline;
      expect([input, face?.default]).toEqual([input, required ? undefined : '']);
      if (required) expect(['', 'production'].map((text) => new RegExp(face?.regex ?? '').test(text))).toEqual([false, true]);
      else if (face?.regex !== undefined) expect([input, '', 'nonsense\n'].map((text) => new RegExp(face.regex ?? '').test(text))).toEqual([false, true, false]);
    }
  });

  test('has a fixed script: each value goes through a variable that is not expanded', () => {
    expect([...job.script, ...job.before_script].join('\n')).not.toContain('$[[');
    const [line = '', ...more] = job.script;
    expect(more).toEqual([]);
    expect(line).toMatch(new RegExp(`^node "\\$SLUICE_HOME/dist/index\\.js" ${name}( --[a-z-]+="\\$[A-Z_]+")+$`));
    const passed = Object.fromEntries([...line.matchAll(/--([a-z-]+)="\$([A-Z_]+)"/g)].map(([, input = '', variable = '']) => [input, job.variables[variable]]));
    expect(passed).toEqual(Object.fromEntries(Object.keys(properties).map((input) => [input, { value: `$[[ inputs.${input} ]]`, expand: false }])));
  });

  test('gives the job more time than the step has', () => {
    expect(Number.parseInt(inputs['timeout']?.default ?? '', 10) * 60_000).toBeGreaterThan(step.deadlineMs + 10 * 60_000);
  });
});

describe.each(steps.map((step) => [step.name, step] as const))('the Jenkins step of %s', (name, step) => {
  const called = `sluice${name.split('-').map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('')}`;

  test('says its name, leaves the rest to sluiceRun, and documents every input', () => {
    const text = files[`vars/${called}.groovy`] ?? '';
    expect(text.slice(text.indexOf('Map call'))).toBe(`Map call(Map inputs = [:]) {\n  return sluiceRun('${name}', inputs)\n}\n`);
    for (const page of [text.replaceAll(/^ \* /gm, ''), files[`vars/${called}.txt`] ?? '']) {
      const documented = [...page.matchAll(/^'?([a-z-]+)'?: \S/gm)].map(([, input]) => input);
      expect(documented).toEqual(Object.keys(schemaOf(step).properties ?? {}));
    }
  });
});

describe('docs/steps.md', () => {
  const [head = '', ...sections] = (files['docs/steps.md'] ?? '').split(/^## /m);

  test('has once what every step gives', () => {
    expect(names(tablesOf(head)[0])).toEqual(ending);
    for (const text of Object.values(endingOutputs)) expect(files['docs/steps.md']?.split(text)).toHaveLength(2);
  });

  test.each(steps.map((step) => [step.name, step] as const))('has the inputs and outputs of %s, no more and no less', (name, step) => {
    const section = sections.find((text) => text.startsWith(`${name}\n`)) ?? '';
    const [inputs, outputs, ...more] = tablesOf(section);
    expect(names(inputs)).toEqual(Object.keys(schemaOf(step).properties ?? {}));
    expect(names(outputs)).toEqual(Object.keys(step.outputs));
    expect(more).toEqual([]);
    for (const row of [...(inputs ?? []), ...(outputs ?? [])]) expect(row).toEqual([expect.any(String), expect.stringMatching(/\S{2}.*\.$/)]);
  });

  test('has a section for every step and the exit codes', () => {
    expect(sections.map((text) => text.split('\n')[0])).toEqual([...steps.map(({ name }) => name), 'Exit codes']);
  });
});

test('what a run writes is what the faces map', () => {
  for (const step of steps) {
    const defaults = Object.fromEntries(Object.entries(step.outputs).map(([name, { initial }]) => [name, initial]));
    const written = outputsOf(resultOf(step.name, { category: 'gate', reason: 'no' }, defaults, new Date(0), 1));
    expect(Object.keys(written)).toEqual(Object.keys(actionAt(`actions/${step.name}/action.yml`).outputs));
    expect(written).toMatchObject({ status: 'failed', category: 'gate', reason: 'no' });
  }
});

test('the README has a link to every step that docs/steps.md has', () => {
  for (const { name } of steps) expect(files['README.md']).toContain(`[\`${name}\`](docs/steps.md#${name})`);
  expect(files['README.md']).not.toContain('stale text');
});

describe('a step that no face can show stops generation', () => {
  const made = (inputs: z.ZodMiniObject, outputs: AnyStep['outputs']): AnyStep =>
    defineStep({ name: 'x', summary: 'Do it.', inputs, outputs, offline: true, deadlineMs: 1, run: () => Promise.resolve({ category: 'passed', reason: '' }) });

  test.each<[string, AnyStep, RegExp]>([
    ['an input without a description', made(z.strictObject({ a: z.string() }), {}), /input a of x has no description/],
    ['an output without a description', made(z.strictObject({}), { a: { description: '', initial: '' } }), /output a of x has no description/],
    ['an output that hides how it ended', made(z.strictObject({}), { status: { description: 'Mine.', initial: '' } }), /output status of x/],
  ])('%s', (_, step, message) => {
    expect(() => actionYml(step, { title: 'x', runScript: 'run.sh' })).toThrow(message);
  });
});
