import { expect, test } from '@jest/globals';
import { difyPlatform } from '../src/platform.ts';

const file = (word: string): string => {
  const data = (type: string): string => `{ type: ${type}, title: t, ${word}: { a: 1 }, variables: [{ variable: a, type: ${word}, label: l, value_selector: [${word}, ${word}] }], outputs: { ${word}: { type: ${word} } }, code: "{{#${word}.${word}#}}" }`;
  const nodes = ['start', 'code', 'tool', 'loop', word].map((type) => `{ id: ${type}, type: ${word}, data: ${data(type)} }`);
  const edges = ['code', 'tool', 'loop', word].map((target) => `{ source: start, target: ${target}, sourceHandle: ${word} }`);
  return `kind: app\nversion: 0.3.0\napp: { mode: workflow, name: a, ${word}: 1 }\nworkflow: { graph: { nodes: [${nodes.join(', ')}], edges: [${edges.join(', ')}] }, features: { ${word}: 1 } }\n`;
};

test.each(['constructor', 'toString', 'valueOf', 'hasOwnProperty'])('a file whose types, keys and ids are %s is judged as any other', (word) => {
  const judged = (name: string): readonly string[] => difyPlatform.parse({ path: 'app.yml', text: file(name), folder: '' }).findings.map(({ rule, message, hint = '' }) => `${rule} ${message} ${hint}`.replaceAll(name, 'word'));
  expect(judged(word)).toEqual(judged('qwertz'));
  expect(judged(word).length).toBeGreaterThan(5);
});
