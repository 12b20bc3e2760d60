import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as z from 'zod/mini';
import { commandShapeOf } from '../src/inputs/command-shape.ts';
import { inputTypes } from '../src/inputs/input-types.ts';
import { parseArguments, type Arguments } from '../src/inputs/parse-arguments.ts';
import { parseInputs, type InputValues } from '../src/inputs/parse-inputs.ts';
import { defineStep } from '../src/step.ts';

const step = defineStep({
  name: 'deploy',
  summary: 'Deploy.',
  inputs: z.strictObject({
    environment: inputTypes.text('Environment.'),
    create: inputTypes.boolean('Create it.'),
    deadline: inputTypes.duration('Deadline.'),
    pairs: inputTypes.text('Pairs.'),
    'fail-on': inputTypes.choice(['error', 'warning'], 'What fails.'),
  }),
  outputs: {},
  offline: false,
  deadlineMs: 1000,
  run: async () => ({ category: 'passed', reason: 'done' }),
});

const parse = (values: Partial<InputValues>): { inputs?: unknown; reasons: readonly string[]; hints: readonly string[]; secretsSeen: readonly string[] } => {
  const { inputs, secretsSeen } = parseInputs(step, { flags: {}, ...values });
  if (inputs.ok) return { inputs: inputs.value, reasons: [], hints: [], secretsSeen };
  const all = [inputs.problem, ...(inputs.problem.others ?? [])];
  return { reasons: all.map((one) => one.reason), hints: all.map((one) => one.hint ?? ''), secretsSeen };
};

describe('parseInputs', () => {
  test('reads every type; flags win over JSON, and empty means absent', () => {
    const json = JSON.stringify({ environment: 'staging', create: 'true', deadline: '90s', pairs: '20', 'fail-on': '' });
    expect(parse({ json, flags: { environment: 'production' } }).inputs).toEqual({
      environment: 'production',
      create: true,
      deadline: 90_000,
      pairs: '20',
    });
  });

  test.each([[undefined], [''], ['{}'], ['{"environment":null,"create":""}']])('%j is no input', (json) => {
    expect(parse(json === undefined ? {} : { json }).inputs).toEqual({});
  });

  test('takes numbers and booleans of JSON', () => {
    expect(parse({ json: '{"pairs":5,"create":false}' }).inputs).toEqual({ pairs: '5', create: false });
  });

  test('an empty flag does not take away a value of JSON', () => {
    expect(parse({ json: '{"environment":"staging"}', flags: { environment: '' } }).inputs).toEqual({ environment: 'staging' });
  });

  test('reports everything at once, with what was given', () => {
    expect(parse({ flags: { create: 'yes', deadline: 'soon', 'fail-on': 'notice', enviroment: 'x' } }).reasons).toEqual([
      'input "enviroment": is unknown; did you mean "environment"?',
      'input "create": must be true or false, got "yes"',
      'input "deadline": must be a duration such as 90s or 20m, got "soon"',
      'input "fail-on": must be error or warning, got "notice"',
    ]);
  });

  test.each(['soon', '0s', '-1m', '1 parsec', ' '])('%j is no duration', (deadline) => {
    expect(parse({ flags: { deadline } }).reasons).toHaveLength(1);
  });

  test('a secret is refused, given back for masking, and not shown', () => {
    const seen = parse({ json: '{"password":"hunter2-hunter2","api-key":"k-123456"}', secretVariables: ['DIFY_PASSWORD', 'DIFY_EMAIL'] });
    expect(seen.secretsSeen).toEqual(['hunter2-hunter2', 'k-123456']);
    expect(seen.reasons).toEqual(['input "password": secrets are not taken as inputs', 'input "api-key": secrets are not taken as inputs']);
    expect(seen.hints[0]).toContain('the environment variable DIFY_PASSWORD.');
    expect(JSON.stringify([seen.reasons, seen.hints])).not.toContain('hunter2');
  });

  const dify = ['DIFY_EMAIL', 'DIFY_PASSWORD', 'DIFY_ADMIN_KEY', 'DIFY_APP_KEY'];
  const agentrun = ['ALIBABA_CLOUD_ACCESS_KEY_ID', 'ALIBABA_CLOUD_ACCESS_KEY_SECRET', 'ALIBABA_CLOUD_SECURITY_TOKEN', 'AGENTRUN_API_KEY'];
  test.each<[string, readonly string[], string]>([
    ['token', dify, 'one of the environment variables DIFY_EMAIL, DIFY_PASSWORD, DIFY_ADMIN_KEY, DIFY_APP_KEY.'],
    ['token', agentrun, 'the environment variable ALIBABA_CLOUD_SECURITY_TOKEN.'],
    ['token', [...dify, ...agentrun, 'OTHER_TOKEN'], 'one of the environment variables ALIBABA_CLOUD_SECURITY_TOKEN, OTHER_TOKEN.'],
    ['api-key', dify, 'one of the environment variables DIFY_ADMIN_KEY, DIFY_APP_KEY.'],
    ['api-key', [...dify, ...agentrun], 'the environment variable AGENTRUN_API_KEY.'],
    ['appKey', dify, 'the environment variable DIFY_APP_KEY.'],
    ['dify_pasword_token', ['DIFY_PASSWORD_TOKEN'], 'the environment variable DIFY_PASSWORD_TOKEN.'],
    ['secret-acces', ['SECRET_ACCESS', 'DIFY_EMAIL'], 'the environment variable SECRET_ACCESS.'],
    ['token', [], 'hand it over as an environment variable.'],
  ])('the input %s, where %j can be set, is meant for %s', (name, secretVariables, expected) => {
    expect(parse({ flags: { [name]: 'hunter2-hunter2' }, secretVariables }).hints).toEqual([expect.stringContaining(expected)]);
  });

  test.each([['{"a":'], ['[]'], ['"text"'], ['null']])('%j is not one JSON object', (json) => {
    expect(parse({ json }).reasons).toEqual(['SLUICE_INPUTS is not one JSON object']);
  });

  test('a list or mapping in JSON is refused', () => {
    expect(parse({ json: '{"pairs":["errors"]}' }).reasons).toEqual(['input "pairs": must be text, got a list or a mapping']);
  });

  test('a required input that is left out is missing', () => {
    const strict = { ...step, inputs: z.strictObject({ version: z.string() }) };
    const { inputs } = parseInputs(strict, { flags: { version: '' } });
    expect(inputs.ok ? '' : inputs.problem.reason).toBe('input "version": is missing');
  });

  test('names of every object are unknown inputs', () => {
    expect(parse({ json: '{"__proto__":"x","constructor":"y"}' }).reasons).toEqual(['input "__proto__": is unknown', 'input "constructor": is unknown']);
  });

  test('never throws', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), fc.string(), (flags, json) => {
        parse({ flags, json });
        parse({ flags, json: JSON.stringify(flags) });
      }),
      { seed: 3, numRuns: 150 },
    );
  });
});

describe('inputTypes', () => {
  test('descriptions reach the JSON Schema through optional', () => {
    expect(z.toJSONSchema(step.inputs, { io: 'input' }).properties).toMatchObject({
      environment: { type: 'string', description: 'Environment.' },
      create: { type: 'string', description: 'Create it.' },
      deadline: { type: 'string', description: 'Deadline.' },
      'fail-on': { enum: ['error', 'warning'], description: 'What fails.' },
    });
  });
});

describe('parseArguments', () => {
  const commands = [commandShapeOf(step), { name: 'help', flags: {}, positionals: 1 }];
  const read = (...argv: readonly string[]): Arguments | string => {
    const parsed = parseArguments(argv, commands);
    return parsed.ok ? parsed.value : parsed.problem.reason;
  };

  test('commandShapeOf makes switches of booleans', () => {
    expect(commandShapeOf(step).flags).toEqual({ environment: 'value', create: 'switch', deadline: 'value', pairs: 'value', 'fail-on': 'value' });
  });

  test('reads values, switches and common flags', () => {
    expect(read('deploy', '--environment', 'staging', '--deadline=5m', '--create', '--json', '--dry-run')).toEqual({
      command: 'deploy',
      flags: { environment: 'staging', deadline: '5m', create: 'true' },
      positionals: [],
      json: true,
      dryRun: true,
      help: false,
    });
  });

  test.each<[string, readonly string[], Partial<Arguments>]>([
    ['nothing', [], { flags: {}, help: false }],
    ['--help alone', ['--help'], { help: true }],
    ['-h', ['deploy', '-h'], { command: 'deploy', help: true }],
    ['a value with an equals sign', ['deploy', '--pairs=a=b'], { flags: { pairs: 'a=b' } }],
    ['a value of several lines', ['deploy', '--pairs=a\nb'], { flags: { pairs: 'a\nb' } }],
    ['an empty value', ['deploy', '--pairs='], { flags: { pairs: '' } }],
    ['a value that begins with one hyphen', ['deploy', '--pairs', '-5'], { flags: { pairs: '-5' } }],
    ['a switch set to false', ['deploy', '--create=false'], { flags: { create: 'false' } }],
    ['a common flag set to false', ['deploy', '--dry-run=false'], { dryRun: false }],
    ['a word', ['help', 'deploy'], { positionals: ['deploy'] }],
    ['a word after --', ['help', '--', '--odd'], { positionals: ['--odd'] }],
  ])('reads %s', (_name, argv, expected) => {
    expect(read(...argv)).toMatchObject(expected);
  });

  test.each<[readonly string[], string]>([
    [['deplyo'], 'there is no command "deplyo"; did you mean "deploy"?'],
    [['deploy', '--enviroment', 'x'], 'there is no flag --enviroment; did you mean --environment?'],
    [['deploy', '-x'], 'there is no flag --x'],
    [['deploy', '--constructor'], 'there is no flag --constructor'],
    [['deploy', '--environment'], '--environment needs a value'],
    [['deploy', '--environment', '--create'], '--environment needs a value'],
    [['deploy', '--pairs', '1', '--pairs', '2'], '--pairs is given twice'],
    [['deploy', '--create=perhaps'], '--create must be true or false'],
    [['deploy', 'staging'], 'the command line has a word too many: "staging"'],
    [['deploy', '--password', 'hunter2'], '--password: secrets are not taken on the command line'],
    [['deploy', '--token=hunter2'], '--token: secrets are not taken on the command line'],
    [['--environment', 'x'], 'there is no flag --environment'],
  ])('refuses %j', (argv, reason) => {
    expect(read(...argv)).toBe(reason);
  });

  test('a common flag that a command lists as its own is among its flags, too', () => {
    const parsed = parseArguments(['deploy', '--dry-run'], [{ name: 'deploy', flags: { 'dry-run': 'switch' } }]);
    expect(parsed).toMatchObject({ ok: true, value: { dryRun: true, flags: { 'dry-run': 'true' } } });
  });

  test('never throws, and never takes what it does not know', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('deploy', '--', '--create', '--pairs', '-h'))), (argv) => {
        const parsed = parseArguments(argv, commands);
        if (parsed.ok) expect(Object.keys(commandShapeOf(step).flags)).toEqual(expect.arrayContaining(Object.keys(parsed.value.flags)));
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});
