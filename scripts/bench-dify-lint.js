// Measures the DSL linter beside the yaml library, in one process: real files where SLUICE_DSL_CORPUS names them, else our own.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse as parseYaml, stringify } from 'yaml';
import { largeFiles } from './bench-large-files.js';
import { build, root } from './compile.js';

const rounds = 6;

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** lowest is the lowest CPU time of some rounds, each of three runs. */
const lowest = (work) =>
  Math.min(
    ...Array.from({ length: rounds }, () => {
      const before = cpuMs();
      for (let run = 0; run < 3; run += 1) work();
      return (cpuMs() - before) / 3;
    }),
  );

const median = (values) => values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];

const corpus = process.env.SLUICE_DSL_CORPUS ?? join(root, 'packages', 'dify', 'test', 'fixtures');

/** withoutCode empties the code of code nodes, which the target leaves aside. */
const withoutCode = (text) => {
  const app = parseYaml(text);
  for (const node of app.workflow?.graph?.nodes ?? []) if (node.data?.type === 'code') node.data.code = 'def main():\n    return {}\n';
  return stringify(app);
};

/** chain is an app of that many nodes, each of which uses three before it. */
const chain = (length) => {
  const nodes = [{ id: 'n0', data: { type: 'start', title: 'Start', variables: [{ variable: 'text', label: 'Text', type: 'text-input' }] } }];
  const edges = [];
  for (let at = 1; at < length; at += 1) {
    const text = `{{#n0.text#}} {{#n${at - 1}.text#}} {{#n${at >> 1}.text#}}`;
    nodes.push({ id: `n${at}`, data: { type: 'llm', title: `Step ${at}`, model: { provider: 'p', name: 'm', mode: 'chat' }, context: { enabled: false }, prompt_template: [{ role: 'system', text }] } });
    edges.push({ source: `n${at - 1}`, target: `n${at}`, sourceHandle: 'source' });
  }
  nodes.push({ id: 'end', data: { type: 'answer', title: 'Answer', answer: `{{#n${length - 1}.text#}}` } });
  edges.push({ source: `n${length - 1}`, target: 'end', sourceHandle: 'source' });
  return stringify({ version: '0.6.0', kind: 'app', app: { name: 'Chain', mode: 'advanced-chat' }, workflow: { graph: { nodes, edges } } });
};

/** difyLint is the section of docs/benchmarks.md; build/ holds the compiled rooms. */
export const difyLint = async () => {
  const { difyPlatform } = await import(pathToFileURL(join(build, 'packages', 'dify', 'src', 'index.js')).href);
  const lint = (text) => difyPlatform.parse({ path: 'app.yml', folder: root, text }, {});
  const texts = readdirSync(corpus).filter((name) => name.endsWith('.yml')).map((name) => withoutCode(readFileSync(join(corpus, name), 'utf8')));
  for (const text of [...texts, ...texts]) {
    lint(text);
    parseYaml(text);
  }
  const ratios = texts.map((text) => lowest(() => lint(text)) / lowest(() => parseYaml(text)));
  const curve = [500, 1000, 2000, 5000].map((length) => {
    const text = chain(length);
    lint(text);
    const before = cpuMs();
    lint(text);
    const spent = cpuMs() - before;
    return `| ${length} | ${spent.toFixed(0)} | ${((spent / length) * 1000).toFixed(0)} |`;
  });
  const resident = [100, 500, 1000].map((count, index, counts) => {
    for (let at = counts[index - 1] ?? 0; at < count; at += 1) lint(texts[at % texts.length]);
    return (process.memoryUsage.rss() / 1024 ** 2).toFixed(0);
  });
  const large = largeFiles();
  /** mostOf is the highest figure of a column of that table, from 1. */
  const mostOf = (column) => Math.max(...large.map((row) => Number(row.split('|')[column])));
  return `## Linting Dify apps

\`validate\` of a file beside \`parse\` of the yaml library alone, in one process, code of code nodes left out, ${texts.length} ${process.env.SLUICE_DSL_CORPUS === undefined ? 'files of our own' : 'real apps'}: median **${median(ratios).toFixed(2)}** (target: at most 1.5). One process that goes on linting holds ${resident[0]} MB after 100 files, ${resident[1]} MB after 500 and ${resident[2]} MB after 1,000.

| nodes | CPU ms | µs a node |
| --- | --- | --- |
${curve.join('\n')}

Files of the worst shapes that could be thought of, below the limit of 10 MiB that Dify has too, each by a process of its own: \`validate\` with wall time and peak memory. Above the limit a file is refused by its size, before it is read. The bound for what is below it: **${mostOf(4)} s** and **${mostOf(5)} MB**, the worst of these.

| what the file is full of | MB | exit code | s | MB of memory |
| --- | --- | --- | --- | --- |
${large.join('\n')}
`;
};
