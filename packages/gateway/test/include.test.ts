import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { configSchema, type Split } from '@sluice/core';
import { parse } from 'yaml';
import fc from 'fast-check';
import { readInclude, renderInclude, type PinnedApplication } from '../src/index.ts';

const stable = '0b9c7a52-6a1f-4c1e-9d0a-3f1a2b3c4d5e';
const candidate = '018f3a52-6a1f-7c1e-9d0a-3f1a2b3c4d5e';
const bot: PinnedApplication = { application: 'support-bot', kind: 'chat' };
const flow: PinnedApplication = { application: 'flow', kind: 'workflow' };

const rendered = (split: Split, application: PinnedApplication): string => {
  const text = renderInclude(split, application);
  if (!text.ok) throw new Error(text.problem.reason);
  return text.value;
};

/** directivesOf is the file without its two lines of comment and without its last block, the split as JSON. */
const directivesOf = (text: string): string => text.split('\n').slice(2).join('\n').replace(/map "" \$\w+_split [^]*$/, '');

describe('renderInclude', () => {
  const chatBody = [
    'map $sluice_support_bot_version $sluice_support_bot_body {',
    '    "" $request_body;',
    '    default \'$sluice_body_open,"workflow_id":"$sluice_support_bot_version"}\';',
    '}',
    '',
  ];
  test.each<{ name: string; split: Split; lines: string[] }>([
    {
      name: 'nothing pinned',
      split: { stable: '', weight: 0 },
      lines: ['map "" $sluice_support_bot_version {', '    default "";', '}'],
    },
    {
      name: 'a candidate at 0 leaves its line out',
      split: { stable, candidate, weight: 0 },
      lines: ['map "" $sluice_support_bot_version {', `    default "${stable}";`, '}'],
    },
    {
      name: 'a share',
      split: { stable, candidate, weight: 12.5 },
      lines: [
        `split_clients "$sluice_user ${candidate}" $sluice_support_bot_arm {`,
        `    12.5% "${candidate}";`,
        `    * "${stable}";`,
        '}',
        'map $sluice_user $sluice_support_bot_version {',
        `    "" "${stable}";`,
        `    "=" "${stable}";`,
        '    default $sluice_support_bot_arm;',
        '}',
      ],
    },
    {
      name: 'everybody',
      split: { stable, candidate, weight: 100 },
      lines: ['map "" $sluice_support_bot_version {', `    default "${candidate}";`, '}'],
    },
  ])('$name', ({ split, lines }) => {
    expect(directivesOf(rendered(split, bot))).toBe([...lines, ...chatBody].join('\n'));
  });

  test('pins a workflow by its path', () => {
    expect(rendered({ stable, weight: 0 }, flow)).toContain(
      'map $sluice_flow_version $sluice_flow_path {\n    "" /v1/workflows/run;\n    default /v1/workflows/$sluice_flow_version/run;\n}',
    );
  });

  test.each<[string, Split, string[]]>([
    ['swaps the key of the users of the candidate', { stable, candidate, weight: 5 }, [`    "${candidate}" $sluice_flow_twin;`]],
    ['swaps every key at 100 %', { stable, candidate, weight: 100 }, [`    "${candidate}" $sluice_flow_twin;`]],
    ['does not know the twin at 0 %', { stable, candidate, weight: 0 }, []],
    ['does not know the twin while nothing is pinned', { stable: '', weight: 0 }, []],
  ])('a twin %s', (_, split, lines) => {
    const text = directivesOf(rendered(split, { application: 'flow', kind: 'twin' }));
    expect(text).toContain(['map $sluice_flow_version $sluice_flow_authorization {', ...lines, '    default $http_authorization;', '}'].join('\n'));
    expect(text.includes('_twin')).toBe(lines.length > 0);
  });

  test.each<{ name: string; split: Split; application?: string; says: string }>([
    { name: 'an id that ends the string', split: { stable: 'x"; } server { listen 80', weight: 0 }, says: 'stable version is not a UUID' },
    { name: 'a variable', split: { stable: '$request_body', weight: 0 }, says: 'stable version is not a UUID' },
    { name: 'a line feed after an id', split: { stable: `${stable}\n`, weight: 0 }, says: 'stable version is not a UUID' },
    { name: 'the draft', split: { stable, candidate: 'draft', weight: 5 }, says: 'candidate is not a UUID' },
    { name: 'a weight above 100', split: { stable, candidate, weight: 101 }, says: 'above 100 %' },
    { name: 'a negative weight', split: { stable, candidate, weight: -1 }, says: 'below 0 %' },
    { name: 'a weight that is no number', split: { stable, candidate, weight: Number.NaN }, says: 'not a number' },
    { name: 'a share that nginx reads as 0', split: { stable, candidate, weight: 0.004 }, says: 'steps of 0.01 %' },
    { name: 'a share without a candidate', split: { stable, weight: 5 }, says: 'needs a candidate' },
    { name: 'a share beside nothing pinned', split: { stable: '', candidate, weight: 5 }, says: 'must be pinned before' },
    { name: 'a name that is no slug', split: { stable, weight: 0 }, application: 'bot { }', says: 'name of the application' },
    { name: 'a name too long for nginx', split: { stable, weight: 0 }, application: 'b'.repeat(81), says: 'at most 80' },
  ])('refuses $name', ({ split, application, says }) => {
    const text = renderInclude(split, { application: application ?? 'support-bot', kind: 'chat' });
    expect(text).toMatchObject({ ok: false, problem: { category: 'input', reason: expect.stringContaining(says) } });
  });

  test('lets nothing but UUIDs in', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.uuid().map((id) => `${id}"`), fc.uuid().map((id) => ` ${id}`)), (id) => {
        expect(renderInclude({ stable, candidate: id, weight: 5 }, bot).ok).toBe(/^[0-9a-f-]{36}$/.test(id));
      }),
      { seed: 8 },
    );
  });
});

const splits = fc.oneof(
  fc.constant<Split>({ stable: '', weight: 0 }),
  fc.record({ stable: fc.uuid(), weight: fc.constant(0) }),
  fc.record({ stable: fc.uuid(), candidate: fc.uuid(), weight: fc.integer({ min: 0, max: 10_000 }).map((hundredths) => hundredths / 100) }),
);
const applications = fc.record({
  application: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,79}$/),
  kind: fc.constantFrom<PinnedApplication['kind']>('chat', 'workflow', 'twin'),
});

describe('readInclude', () => {
  test('reads back what renderInclude wrote', () => {
    fc.assert(
      fc.property(splits, applications, (split, application) => {
        expect(readInclude(rendered(split, application))).toEqual({ ok: true, value: { ...application, split } });
      }),
      { seed: 8 },
    );
  });

  test('notices every change by hand', () => {
    const text = rendered({ stable, candidate, weight: 5 }, bot);
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom('x', ' ', '\n', '0'), (at, mark) => {
        fc.pre(/\S/.test(text[at] ?? '') && text[at] !== mark);
        expect(readInclude(text.slice(0, at) + mark + text.slice(at + 1)).ok).toBe(false);
      }),
      { seed: 8 },
    );
    expect(readInclude(text.replaceAll('\n', '\r\n').trim()).ok).toBe(true);
    expect(readInclude(text.replace('    5% ', '    50% '))).toMatchObject({ problem: { category: 'conflict' } });
  });

  test.each(['', 'server { listen 80; }', '# Written by me.\n# {}\n'])('does not know the foreign file %j', (text) => {
    expect(readInclude(text)).toMatchObject({ ok: false, problem: { category: 'input' } });
  });
});

test.each(['chat', 'workflow', 'twin'] as const)('the how-to shows the first include file of a %s app as it is written', (kind) => {
  const page = readFileSync(new URL('../../../docs/gateway-nginx.md', import.meta.url), 'utf8');
  const shown = [...page.matchAll(/```text\n([^`]*)```/g)].map(([, text]) => text);
  expect(shown[['chat', 'workflow', 'twin'].indexOf(kind)]).toBe(rendered({ stable: '', weight: 0 }, { application: 'support-bot-production', kind }));
});

test('the how-to shows a sluice.yml that is one, over SSH and with a twin too', () => {
  const page = readFileSync(new URL('../../../docs/gateway-nginx.md', import.meta.url), 'utf8');
  const [whole = '', remote = '', twin = ''] = [...page.matchAll(/```yaml\n([^`]*)```/g)].map(([, text]) => text);
  const config = parse(whole) as { environments: { production: { gateway: object } } };
  const gateways = [{}, parse(remote) as object];
  for (const gateway of gateways) {
    const environments = { production: { ...config.environments.production, dify: 'https://dify.example.com/app/5f6c', gateway: { ...config.environments.production.gateway, ...gateway } } };
    expect(configSchema.safeParse({ ...config, source: 'app.yml', environments })).toMatchObject({ success: true });
  }
  expect(configSchema.safeParse({ ...(parse(twin) as object), source: 'app.yml' })).toMatchObject({ success: true, data: { environments: { production: { gateway: { twin: expect.stringContaining('/app/') } } } } });
  expect(parse(remote)).toMatchObject({ nginx: { write: ['ssh', '-o', 'BatchMode=yes', 'gateway', expect.stringMatching(/^cat > .* && mv /)] } });
});
