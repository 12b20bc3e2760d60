import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parse } from '../src/source/parse.ts';
import { chatflow, edge, findingsOf, node, textOf, type Dsl } from './dsl.ts';

const nodes = (dsl: Dsl): Record<string, unknown>[] => dsl.workflow?.graph?.nodes ?? [];

/** drawn is a text that looks drawn at random: written in two parts, so that no scanner takes this file for a leak. */
const drawn = (prefix: string, length = 40): string => `${prefix}${'q7Rk2mZx9LpW4vTs8BnY3cHd6FgJ1aQe5UtK0oVi'.repeat(3).slice(0, length)}`;

const request = (data: Record<string, unknown>) => (dsl: Dsl): void => {
  nodes(dsl).push(node('http', 'http-request', { method: 'get', url: 'https://api.example.com', ...data }));
  dsl.workflow?.graph?.edges.splice(1, 1, edge('llm', 'http'), edge('http', 'answer'));
};
const prompt = (text: string) => (dsl: Dsl): void => {
  nodes(dsl)[1] = node('llm', 'llm', { model: { provider: 'p', name: 'm' }, prompt_template: [{ role: 'system', text }] });
};
const code = (text: string) => (dsl: Dsl): void => {
  nodes(dsl).push(node('code', 'code', { code_language: 'python3', code: `def main():\n    ${text}\n    return {"out": 1}\n`, variables: [], outputs: { out: {} } }));
  dsl.workflow?.graph?.edges.splice(1, 1, edge('llm', 'code'), edge('code', 'answer'));
};
const found = (change: (dsl: Dsl) => void) => {
  const dsl = chatflow();
  change(dsl);
  return findingsOf(dsl).filter(({ rule }) => rule.startsWith('dify/secret'));
};
const apiKey = (value: string) => request({ authorization: { type: 'api-key', config: { type: 'bearer', api_key: value } } });

describe('secrets in plain text', () => {
  test.each<[string, (dsl: Dsl) => void]>([
    ['a key of a model provider in a prompt', prompt(`Use ${drawn('sk-')} please`)],
    ['a key in code', code(`api_key = "${drawn('')}"`)],
    ['a header', request({ headers: `Authorization: Bearer ${drawn('')}\nX-A:b` })],
    ['a header of hexadecimal digits', request({ headers: 'X-Token: 9f86d081884c7d659a2feaa0c55ad015' })],
    ['the key of a request', apiKey('Tr0ub4dor&3')],
    ['a key of AWS', prompt(['AKIA', 'Q7RK2MZX9LPW4VTS'].join(''))],
    ['a private key', prompt(`-----BEGIN ${'RSA PRIVATE'} KEY-----\nMII`)],
    ['a webhook of DingTalk', request({ url: `https://oapi.dingtalk.com/robot/send?access_token=${'0123456789abcdef'.repeat(4).split('').reverse().join('')}` })],
    ['a password in an address', request({ url: 'postgres://app:Tr0ub4dor3@db.internal/app' })],
    ['a key of a Dify app', request({ headers: `X:${drawn('app-', 24)}` })],
    ['a plain environment variable', (dsl) => dsl.workflow?.environment_variables.push({ id: 'x', name: 'CRM_API_KEY', value_type: 'string', value: drawn('') })],
    ['a password of a tool', (dsl) => nodes(dsl).push(node('t', 'tool', { tool_configurations: { db_password: 'difyai123456' } }))],
    ['the value of a tool', (dsl) => nodes(dsl).push(node('t', 'tool', { tool_parameters: { api_key: { type: 'mixed', value: drawn('') } } }))],
    ['a conversation variable', (dsl) => dsl.workflow?.conversation_variables.push({ name: 'user_token', value_type: 'string', value: drawn('') })],
    ['a greeting', (dsl) => Object.assign(dsl.workflow?.features ?? {}, { suggested_questions: [drawn('sk-')] })],
  ])('%s is found, at its line, and not shown', (_name, change) => {
    const [finding, ...more] = found(change);
    expect(finding).toMatchObject({ rule: 'dify/secret-plain', severity: 'error' });
    expect(more).toEqual([]);
    expect(finding?.place.line).toBeGreaterThan(1);
    expect(JSON.stringify(finding)).not.toMatch(/q7Rk2mZx|Tr0ub4dor|difyai123456|Q7RK2MZX|fedcba98|9f86d081/);
  });

  test.each<[string, (dsl: Dsl) => void]>([
    ['a reference', apiKey('{{#env.TOKEN#}}')],
    ['a placeholder', apiKey('YOUR_API_KEY')],
    ['an empty key', apiKey('')],
    ['stars', apiKey('********')],
    ['words with hyphens', prompt('Ask task-based-questions-about-everything, sk-learn-based-models-are-nice')],
    ['a header that refers to one', request({ headers: 'Authorization: Bearer {{#env.TOKEN#}}' })],
    ['an address without a password', request({ url: 'https://user@example.com:8443/path?at=me@example.com' })],
    ['talk of tokens', prompt('The max_token: 4096, the token is counted; password: at least eight letters')],
    ['an example', prompt('Authorization: Bearer <your token here>, api_key="xxxxxxxxxxxxxxxxxxxxxxxx", sk-xxxxxxxxxxxxxxxxxxxxxxxx')],
    ['a token of one kind of sign', request({ headers: 'X-Token: a1a1a1a1a1a1a1a1a1a1a1a1' })],
    ['ids', (dsl) => nodes(dsl).push(node('k', 'knowledge-retrieval', { dataset_ids: [drawn('', 44)], query_variable_selector: ['sys', 'query'] }))],
    ['a hash', prompt('sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08')],
  ])('%s is none', (_name, change) => {
    expect(found(change)).toEqual([]);
  });

  test('a comment', () => {
    const text = `# old: ${drawn('sk-')}\n${textOf(chatflow())}`;
    expect(parse({ path: 'a.yml', folder: '', text }).findings).toEqual([expect.objectContaining({ rule: 'dify/secret-plain', place: { file: 'a.yml', line: 1 } })]);
  });

  test('a chat app', () => {
    const dsl: Dsl = { version: '0.3.0', kind: 'app', app: { name: 'x', mode: 'chat' }, model_config: { pre_prompt: drawn('sk-'), model: {} } };
    expect(findingsOf(dsl).map(({ rule }) => rule)).toEqual(['dify/secret-plain']);
  });

  test('a secret variable is one finding: a warning for a word, an error for what looks like a secret', () => {
    const secret = (value: string) => found((dsl) => Object.assign(dsl.workflow?.environment_variables[0] ?? {}, { value })).map(({ rule, severity }) => `${rule} ${severity}`);
    expect(secret('word')).toEqual(['dify/secret-value warning']);
    expect(secret(drawn('sk-'))).toEqual(['dify/secret-value error']);
    expect(secret('')).toEqual([]);
  });

  test('no plain sentence is a secret', () => {
    const word = fc.stringMatching(/^[A-Za-z]{1,12}$/);
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.constantFrom('key:', 'token =', '中文，', '100', 'Bearer', 'sk-')), { maxLength: 40 }), (words) => {
        expect(found(prompt(words.join(' ')))).toEqual([]);
      }),
      { seed: 7, numRuns: 150 },
    );
  });
});
