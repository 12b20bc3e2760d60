import { describe, expect, test } from '@jest/globals';
import { namesSecret, shapedIn } from '@sluice/core';
import fc from 'fast-check';
import { parse } from '../src/source/parse.ts';
import { chatflow, edge, findingsOf, node, textOf, type Dsl } from './dsl.ts';
import { timed } from '../../../test/cpu-time.ts';

const nodes = (dsl: Dsl): Record<string, unknown>[] => dsl.workflow?.graph?.nodes ?? [];

/** drawn is a text that looks drawn at random: written in two parts, so that no scanner takes this file for a leak. */
const drawn = (prefix: string, length = 40): string => `${prefix}${'q7Rk2mZx9LpW4vTs8BnY3cHd6FgJ1aQe5UtK0oVi'.repeat(3).slice(0, length)}`;

/** The same of hexadecimal digits, of small and of capital letters, and in the form of a UUID. */
const drawn16 = (prefix: string, length: number): string => `${prefix}${'9f86d081c84e7d659a2feb0c55ad015b3bf4f1a2'.repeat(2).slice(0, length)}`;
const drawnLower = (prefix: string, length: number): string => `${prefix}${'qxkzwvpjmrtblhycgdnsfauoeijtrwqpzmxkvblhgncsdyfa'.slice(0, length)}`;
const drawnUpper = (prefix: string, length: number): string => `${prefix}${'Q7RK2MZX9LPW4VTS8BNY'.slice(0, length)}`;
const drawnUuid = (): string => ['9f86d081', 'c84e', '4d65', '9a2f', 'eb0c55ad015b'].join('-');

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

  test.each<[string, string]>([
    ['OpenAI', drawn('sk-', 48)],
    ['OpenAI, of a project', drawn(['sk', 'proj', ''].join('-'), 90)],
    ['Anthropic', drawn(['sk', 'ant', 'api03', ''].join('-'), 90)],
    ['OpenRouter', drawn(['sk', 'or', 'v1', ''].join('-'), 64)],
    ['DashScope and DeepSeek', drawn16('sk-', 32)],
    ['SiliconFlow', drawnLower('sk-', 48)],
    ['Zhipu', `${drawn16('', 32)}.${drawn('', 16)}`],
    ['Baidu Qianfan', drawn16(`${drawn(['bce-v3', 'ALTAK-'].join('/'), 21)}/`, 40)],
    ['Alibaba Cloud', drawn('LTAI', 20)],
    ['Tencent Cloud', drawn('AKID', 32)],
    ['Volcengine', drawn('AKLT', 40)],
    ['AWS', drawnUpper('AKIA', 16)],
    ['Google', drawn('AIza', 35)],
    ['a client of Google', drawn('GOCSPX-', 28)],
    ['GitHub', drawn('ghp_', 36)],
    ['GitHub, fine-grained', drawn('github_pat_', 82)],
    ['GitLab', drawn('glpat-', 20)],
    ['Slack', drawn('xoxb-', 40)],
    ['a webhook of Slack', drawn(`https://hooks.slack.com/services/${drawnUpper('T', 9)}/${drawnUpper('B', 9)}/`, 24)],
    ['a webhook of Discord', drawn('https://discord.com/api/webhooks/112233445566778899/', 60)],
    ['a webhook of DingTalk', drawn16('https://oapi.dingtalk.com/robot/send?access_token=', 64)],
    ['a webhook of Feishu', `https://open.feishu.cn/open-apis/bot/v2/hook/${drawnUuid()}`],
    ['a webhook of WeCom', `https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=${drawnUuid()}`],
    ['Hugging Face', drawn('hf_', 34)],
    ['Groq', drawn('gsk_', 52)],
    ['Tavily', drawn('tvly-', 32)],
    ['Jina', drawn('jina_', 60)],
    ['Perplexity', drawn('pplx-', 48)],
    ['xAI', drawn('xai-', 80)],
    ['Replicate', drawn('r8_', 37)],
    ['NVIDIA', drawn('nvapi-', 64)],
    ['Notion', drawn('ntn_', 46)],
    ['Notion, of old', drawn('secret_', 43)],
    ['Atlassian', drawn('ATATT3', 180)],
    ['Stripe', drawn(['sk', 'live', ''].join('_'), 24)],
    ['SendGrid', drawn(`${drawn('SG.', 22)}.`, 43)],
    ['Shopify', drawn16('shpat_', 32)],
    ['Linear', drawn('lin_api_', 40)],
    ['a bot of Telegram', drawn('1234509876:AA', 33)],
    ['npm', drawn('npm_', 36)],
    ['PyPI', drawn('pypi-', 100)],
    ['a Dify app', drawn('app-', 24)],
    ['a Dify knowledge base', drawn('dataset-', 24)],
    ['a store of Azure', `DefaultEndpointsProtocol=https;AccountName=files;AccountKey=${drawn('', 86)}==`],
    ['a private key', `-----BEGIN ${'OPENSSH PRIVATE'} KEY-----`],
    ['a signed token, as of MiniMax', `eyJhbGciOi${drawn('', 20)}.eyJ${drawn('', 60)}.${drawn('', 40)}`],
    ['PostgreSQL', 'postgresql://app:Tr0ub4dor3@db.internal:5432/app'],
    ['MySQL', 'mysql+pymysql://root:Tr0ub4dor3@10.0.0.4/app'],
    ['Redis', 'redis://:Tr0ub4dor3@cache.internal:6379/0'],
    ['MongoDB', 'mongodb+srv://app:Tr0ub4dor3@cluster0.mongodb.net'],
    ['an address with a password', 'https://deploy:Tr0ub4dor3@git.internal/app.git'],
  ])('the shape of %s is known wherever it stands', (_name, value) => {
    for (const place of [prompt(`请用 ${value} 调用`), code(`x = '${value}'`), request({ body: { type: 'raw-text', data: [{ type: 'text', value }] } })]) {
      expect(found(place)).toEqual([expect.objectContaining({ rule: 'dify/secret-plain', severity: 'error' })]);
    }
  });

  test.each<[string, string, string]>([
    ['of the same shape', 'sk-xxxxxxxxxxxxxxxxxxxxxxxx', drawn('sk-', 48)],
    ['of another shape', 'app-xxxxxxxxxxxxxxxxxxxxxxxx', drawn('sk-', 48)],
    ['in an address', 'https://user:password@example.com', 'https://deploy:Tr0ub4dor3@git.internal/app.git'],
  ])('a key behind a placeholder %s is found, and one before it', (_name, placeholder, key) => {
    for (const text of [`e.g. ${placeholder}, here ${key}`, `${key}, e.g. ${placeholder}`]) expect(found(prompt(text))).toEqual([expect.objectContaining({ rule: 'dify/secret-plain', severity: 'error' })]);
    expect(found(prompt(`e.g. ${placeholder}, or ${placeholder}`))).toEqual([]);
  });

  test.each<[string, (dsl: Dsl) => void]>([
    ['Azure OpenAI', request({ headers: `api-key: ${drawn16('', 32)}` })],
    ['Volcengine Ark', request({ headers: `Authorization: Bearer ${drawnUuid()}` })],
    ['basic authorization', request({ headers: `Authorization: Basic ${drawn('', 24)}==` })],
    ['the secret key of AWS', code(`aws_secret_access_key = "${drawn('', 40)}"`)],
    ['the secret of a Feishu app', code(`body = {"app_id": "cli_a1b2c3d4e5f60718", "app_secret": "${drawn('', 32)}"}`)],
    ['the key of a WeCom bot, which a tool keeps', (dsl) => nodes(dsl).push(node('t', 'tool', { tool_configurations: { hook_key: drawnUuid() } }))],
    ['what the plugin of a tool calls a secret', (dsl) => nodes(dsl).push(node('t', 'tool', { paramSchemas: [{ name: 'sender', type: 'secret-input' }], tool_parameters: { sender: { type: 'mixed', value: 'Tr0ub4dor3' } } }))],
    ['a variable whose name says nothing, which a header sends', (dsl) => { request({ headers: 'Authorization:Bearer {{#env.jimeng#}}' })(dsl); dsl.workflow?.environment_variables.push({ id: 'x', name: 'jimeng', value_type: 'string', value: drawn16('', 32) }); }],
    ['a variable which the key of a request is', (dsl) => { apiKey('{{#env.partner#}}')(dsl); dsl.workflow?.environment_variables.push({ id: 'x', name: 'partner', value_type: 'string', value: 'Tr0ub4dor3' }); }],
  ])('%s is found by where it stands', (_name, change) => {
    expect(found(change)).toEqual([expect.objectContaining({ rule: 'dify/secret-plain', severity: 'error' })]);
  });

  test.each<[string, (dsl: Dsl) => void]>([
    ['a reference', apiKey('{{#env.TOKEN#}}')],
    ['a variable that a header sends, with a placeholder', (dsl) => { request({ headers: 'Authorization:Bearer {{#env.partner#}}' })(dsl); dsl.workflow?.environment_variables.push({ id: 'x', name: 'partner', value_type: 'string', value: '请填写你的密钥' }); }],
    ['a variable that another header sends', (dsl) => { request({ headers: 'Accept-Language:{{#env.partner#}}' })(dsl); dsl.workflow?.environment_variables.push({ id: 'x', name: 'partner', value_type: 'string', value: drawn16('', 32) }); }],
    ['what the plugin of a tool calls a secret, by reference', (dsl) => nodes(dsl).push(node('t', 'tool', { paramSchemas: [{ name: 'sender', type: 'secret-input' }], tool_parameters: { sender: { type: 'mixed', value: '{{#env.TOKEN#}}' } } }))],
    ['a picture', prompt(`data:image/png;base64,${drawn('iVBORw0KGgo', 120)}`)],
    ['a UUID', prompt(`See conversation ${drawnUuid()} and id: ${drawnUuid()}`)],
    ['an id of a Feishu document', request({ url: `https://example.feishu.cn/wiki/${drawn('', 27)}` })],
    ['an id of a model or an app', (dsl) => dsl.workflow?.environment_variables.push({ id: 'x', name: 'app_id', value_type: 'string', value: drawn16('', 32) })],
    ['a pinned plugin', (dsl) => nodes(dsl).push(node('t', 'tool', { plugin_unique_identifier: `langgenius/openai:0.2.7@${drawn16('', 64)}` }))],
    ['Chinese talk of keys', prompt('api_key：请填写您的密钥；token：从后台获取；密码：至少八位数字')],
    ['an address that shows its form', prompt('mysql://user:password@host:3306/database, postgres://<user>:<password>@<host>/<db>, redis://:your_password@localhost')],
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

  test('behind a placeholder in the same text is found', () => {
    expect(namesSecret(`Bearer your-token-goes-here-1\nBearer ${drawn('', 40)}`)).toBe(true);
    expect(namesSecret('Bearer your-token-goes-here-1')).toBe(false);
  });

  test('is looked for in time where many tokens seem to begin', () => {
    const { value, ms } = timed(() => shapedIn('-eyJ'.repeat(50_000)));
    expect(value).toEqual([]);
    expect(ms).toBeLessThan(1000);
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
