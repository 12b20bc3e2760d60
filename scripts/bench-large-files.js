// Large files of bad shapes, each judged by a process of its own.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './compile.js';

const limit = 10 * 1024 * 1024;
const head = 'version: "0.6.0"\nkind: app\napp: { name: Large, mode: advanced-chat }\n';
const full = (unit) => unit.repeat(Math.floor((limit - 2000) / unit.length));
const node = (data) => `${head}workflow: { graph: { nodes: [{ id: a, data: { type: start, title: S } }, { id: b, data: ${data} }], edges: [{ source: a, target: b }] } }\n`;
const code = (language, unit) => node(`{ type: code, title: C, code_language: ${language}, outputs: { o: { type: string } }, code: "${full(unit)}" }`);

/** wired is an app of that many nodes and edges. */
const wired = (nodes, edges) =>
  JSON.stringify({
    version: '0.6.0',
    kind: 'app',
    app: { name: 'Large', mode: 'advanced-chat' },
    workflow: {
      graph: {
        nodes: [{ id: 's', data: { type: 'start', title: 'S', variables: [] } }, ...Array.from({ length: nodes }, (_, at) => ({ id: `n${at}`, data: { type: 'template-transform', title: 'T', template: 'x' } }))],
        edges: Array.from({ length: edges }, (_, at) => ({ source: at === 0 ? 's' : `n${(at - 1) % nodes}`, target: `n${at < nodes ? at : (at * 7919) % nodes}` })),
      },
    },
  });

const shapes = {
  'nesting, `[[[[`': () => `${head}x: ${full('[')}`,
  'aliases of aliases': () => Array.from({ length: 30 }, (_, level) => `l${level}: &l${level} [${Array.from({ length: 9 }, () => (level === 0 ? 'x' : `*l${level - 1}`)).join(', ')}]\n`).join('') + head,
  'one text': () => `${head}x: "${full('a')}"\n`,
  'one comment a line': () => head + full('# api_key: sk-abc\n'),
  'quotes': () => head + full("'"),
  'entries of a list': () => `${head}x:\n${full('- a\n')}`,
  '240,000 keys': () => `${head}x:\n${Array.from({ length: 240_000 }, (_, at) => ` k${at}: v\n`).join('')}`,
  'one reference in a prompt': () => node(`{ type: answer, title: A, answer: "${full('{{#a.b#}}')}" }`),
  '640,000 different references': () => node(`{ type: answer, title: A, answer: "${Array.from({ length: 640_000 }, (_, at) => `{{#a.b${at}#}}`).join('')}" }`),
  'open brackets in Python': () => code('python3', '('),
  'texts in Python': () => code('python3', "'''\\n"),
  'open brackets in JavaScript': () => code('javascript', '('),
  '18,000 nodes, 20,000 edges': () => wired(18_000, 20_000),
  '1,000 nodes, 40,000 edges': () => wired(1000, 40_000),
  'more than the limit': () => full('x') + 'x'.repeat(4000),
};

/** largeFiles are the rows of the table. */
export const largeFiles = () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-large-'));
  try {
    writeFileSync(join(folder, 'sluice.yml'), 'name: large\nsource: app.yml\nenvironments: { production: { dify: "https://dify.example.com/app/0b9c2f4e-6a1d-4f7e-9c55-2f1d9a7e4b10" } }\n');
    return Object.entries(shapes).map(([name, made]) => {
      const text = made();
      writeFileSync(join(folder, 'app.yml'), text);
      const started = performance.now();
      const child = spawnSync(process.execPath, ['--require', join(root, 'scripts', 'measure.cjs'), join(root, 'dist', 'index.js'), 'validate', folder], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'], env: { PATH: process.env.PATH, HOME: process.env.HOME, SLUICE_RESULTS: join(folder, 'results') } });
      const seconds = (performance.now() - started) / 1000;
      if (![0, 1, 2].includes(child.status)) throw new Error(`${name}: validate ended with ${child.status}`);
      return `| ${name} | ${(Buffer.byteLength(text) / 1e6).toFixed(1)} | ${child.status} | ${seconds.toFixed(1)} | ${JSON.parse(String(child.output[3])).peakMb.toFixed(0)} |`;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
