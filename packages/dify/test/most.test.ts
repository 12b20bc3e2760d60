import { expect, test } from '@jest/globals';
import { parse } from '../src/source/parse.ts';
import { chatflow, node, textOf } from './dsl.ts';

const findingsOf = (copies: number) => {
  const dsl = chatflow();
  for (let at = 0; at < copies; at += 1) dsl.workflow.graph?.nodes.push(node(`code${at}`, 'code', { code_language: 'ruby', code: '', outputs: {} }));
  return parse({ path: 'app.yml', folder: '', text: textOf(dsl) }).findings.filter(({ rule }) => rule === 'dify/code-language-unknown');
};

test('of each rule the first 200 findings are told, and how many more there are', () => {
  const few = findingsOf(200);
  expect(few).toHaveLength(200);
  expect(few.at(-1)?.message).toMatch(/python3 and javascript\.$/);
  const many = findingsOf(203);
  expect(many).toHaveLength(200);
  expect(many.at(-1)?.message).toMatch(/There are 3 more of this rule, which are left out\.$/);
  expect(many.filter(({ message }) => message.includes('left out'))).toHaveLength(1);
});
