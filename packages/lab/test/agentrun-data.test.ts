import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startLabAgentRun, type LabAgentRun } from '../src/agentrun/index.ts';
import { ask, chatUrl, control } from './agentrun-client.ts';

let lab: LabAgentRun;
let runtimeId: string;
let endpointId: string;

beforeEach(async () => {
  lab = await startLabAgentRun({ usualLatencyMs: 2 });
  ({ runtimeId, endpointId } = lab.createRuntime({ name: 'order-agent', endpoint: 'production' }));
});
afterEach(() => lab.close());

const update = (value: object): ReturnType<typeof control> => control(lab, 'PUT', `/agents/runtimes/${runtimeId}`, 'UpdateAgentRuntime', value);
const readRuntime = (): ReturnType<typeof control> => control(lab, 'GET', `/agents/runtimes/${runtimeId}`, 'GetAgentRuntime');
const readEndpoint = (): ReturnType<typeof control> => control(lab, 'GET', `/agents/runtimes/${runtimeId}/endpoints/${endpointId}`, 'GetAgentRuntimeEndpoint');

/** publishSecond changes the runtime and publishes version 2. */
const publishSecond = async (): Promise<void> => {
  await update({ environmentVariables: { PROMPT: '2' } });
  await readRuntime();
  await readRuntime();
  await control(lab, 'POST', `/agents/runtimes/${runtimeId}/versions`, 'PublishRuntimeVersion', { description: 'second' });
};

const route = async (targetVersion: string, weight?: number, version = '2'): Promise<void> => {
  await control(lab, 'PUT', `/agents/runtimes/${runtimeId}/endpoints/${endpointId}`, 'UpdateAgentRuntimeEndpoint', {
    targetVersion,
    routingConfiguration: { versionWeights: weight === undefined ? [] : [{ version, weight }] },
  });
  await readEndpoint();
  await readEndpoint();
};

const served = (): Record<string, number> => lab.served('order-agent', 'production');
const askMany = async (count: number, session?: (index: number) => string): Promise<void> => {
  await Promise.all(Array.from({ length: count }, (_, index) => ask(lab, 'order-agent', 'production', `q${index}`, session === undefined ? {} : { session: session(index) })));
};

describe('an answer', () => {
  test('has the shape of a chat completion, names the runtime and echoes the question', async () => {
    const answer = await ask(lab, 'order-agent', 'production', '我的订单在哪里?');
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({
      object: 'chat.completion',
      choices: [{ index: 0, message: { role: 'assistant', content: expect.stringContaining('我的订单在哪里?') }, finish_reason: 'stop' }],
      usage: { prompt_tokens: expect.any(Number), completion_tokens: expect.any(Number), total_tokens: expect.any(Number) },
    });
    expect(answer.text).toContain('order-agent');
    const again = await ask(lab, 'order-agent', 'production', '我的订单在哪里?');
    expect([again.json['choices'], again.json['usage']]).toEqual([answer.json['choices'], answer.json['usage']]);
  });

  test('is the same from every version', async () => {
    const before = await ask(lab, 'order-agent', 'production', 'hello');
    await publishSecond();
    await route('2');
    expect((await ask(lab, 'order-agent', 'production', 'hello')).json['choices']).toEqual(before.json['choices']);
    expect(served()).toEqual({ 1: 1, 2: 1 });
  });

  test('streams the same text, closed by [DONE], with usage on request', async () => {
    const whole = await ask(lab, 'order-agent', 'production', `我${'你好😀'.repeat(20)}`);
    const stream = await ask(lab, 'order-agent', 'production', `我${'你好😀'.repeat(20)}`, { stream: true, usage: true });
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    const events = stream.text.trimEnd().split('\n\n').map((event) => event.replace(/^data: /, ''));
    expect(events.at(-1)).toBe('[DONE]');
    const chunks: { choices: { delta: { content?: string }; finish_reason: string | null }[]; usage?: object }[] = events.slice(0, -1).map((event) => JSON.parse(event));
    const pieces = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '');
    // No piece holds half of a character.
    expect(pieces.filter((piece) => /\p{Surrogate}/u.test(piece))).toEqual([]);
    const text = pieces.join('');
    expect(whole.json).toMatchObject({ choices: [{ message: { content: text } }], usage: chunks.at(-1)?.usage });
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    const plain = await ask(lab, 'order-agent', 'production', 'hello', { stream: true });
    expect(plain.text).not.toContain('usage');
  });

  test.each([
    ['no JSON', 'hello', 'the body is not JSON'],
    ['no messages', '{}', 'messages is required'],
    ['no user', '{"messages":[{"role":"system","content":"x"}]}', 'at least one message of role user'],
  ])('is refused with %s', async (_what, body, said) => {
    const response = await fetch(chatUrl(lab, 'order-agent', 'production'), { method: 'POST', body });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(said);
  });
});

test('health and models', async () => {
  const base = `${lab.data}/agent-runtimes/order-agent/endpoints/production/invocations`;
  expect(await (await fetch(`${base}/health`)).json()).toEqual({ status: 'ok' });
  expect(await (await fetch(`${base}/openai/v1/models`)).json()).toMatchObject({ data: [{ id: 'order-agent' }] });
  expect((await fetch(`${base}/other`)).status).toBe(404);
  expect((await ask(lab, 'order-agent', 'nobody', 'hi')).status).toBe(404);
  expect(served()).toEqual({});
});

test('a runtime with a credential wants its key', async () => {
  await update({ credentialName: 'key' });
  expect((await ask(lab, 'order-agent', 'production', 'hi')).status).toBe(401);
  expect((await ask(lab, 'order-agent', 'production', 'hi', { headers: { 'x-api-key': 'wrong' } })).status).toBe(401);
  expect((await ask(lab, 'order-agent', 'production', 'hi', { headers: { 'x-api-key': lab.apiKey } })).status).toBe(200);
});

describe('the split', () => {
  test('follows the weights', async () => {
    await publishSecond();
    await route('1', 0.25);
    await askMany(200, (index) => `session-${index}`);
    expect(served()['2']).toBeGreaterThanOrEqual(49);
    expect(served()['2']).toBeLessThanOrEqual(51);
  });

  test('keeps a session on its version, also after the candidate was taken away', async () => {
    await publishSecond();
    await route('1', 1);
    await askMany(3, () => 'one');
    await route('1');
    await askMany(2, () => 'one');
    expect(served()).toEqual({ 2: 5 });
    await askMany(1, () => 'two');
    expect(served()).toEqual({ 1: 1, 2: 5 });
  });

  test('ignores sessions where the affinity is off', async () => {
    await update({ disableSessionAffinity: true });
    await publishSecond();
    await route('1', 1);
    await askMany(1, () => 'one');
    await route('1');
    await askMany(1, () => 'one');
    expect(served()).toEqual({ 1: 1, 2: 1 });
  });

  test('changes only when the endpoint is ready again, and not when the update fails', async () => {
    await publishSecond();
    const put = (): ReturnType<typeof control> =>
      control(lab, 'PUT', `/agents/runtimes/${runtimeId}/endpoints/${endpointId}`, 'UpdateAgentRuntimeEndpoint', { targetVersion: '2' });
    lab.failNext('endpoint', 'no capacity');
    await put();
    await readEndpoint();
    await readEndpoint();
    await askMany(1);
    expect(served()).toEqual({ 1: 1 });
    await put();
    await askMany(1);
    expect(served()).toEqual({ 1: 2 });
    await readEndpoint();
    await readEndpoint();
    await askMany(1);
    expect(served()).toEqual({ 1: 2, 2: 1 });
  });

  test('an endpoint that was never ready answers 503', async () => {
    await control(lab, 'POST', `/agents/runtimes/${runtimeId}/endpoints`, 'CreateAgentRuntimeEndpoint', { agentRuntimeEndpointName: 'side', targetVersion: '1' });
    expect((await ask(lab, 'order-agent', 'side', 'hi')).status).toBe(503);
    await control(lab, 'GET', `/agents/runtimes/${runtimeId}/endpoints`, 'ListAgentRuntimeEndpoints');
    await control(lab, 'GET', `/agents/runtimes/${runtimeId}/endpoints`, 'ListAgentRuntimeEndpoints');
    expect((await ask(lab, 'order-agent', 'side', 'hi')).status).toBe(200);
  });
});

describe('faults', () => {
  const outcomes = async (count: number): Promise<Record<string, number>> => {
    const counts: Record<string, number> = {};
    for (let index = 0; index < count; index += 1) {
      const said = await ask(lab, 'order-agent', 'production', 'where is it?').then(
        ({ status, text }) => (status === 200 ? (text.includes('"finish_reason":"error"') ? 'inside' : text.includes('where is it?') ? 'right' : 'wrong') : String(status)),
        () => 'cut',
      );
      counts[said] = (counts[said] ?? 0) + 1;
    }
    return counts;
  };

  test('hit every version but the excepted one', async () => {
    await publishSecond();
    lab.setFaults('order-agent', '1', { errors: 1 });
    expect(await outcomes(4)).toEqual({ right: 4 });
    await route('2');
    expect(await outcomes(4)).toEqual({ inside: 2, 500: 2 });
  });

  test('spare LATEST until it is updated, and then hit it at once', async () => {
    await route('LATEST');
    lab.setFaults('order-agent', '1', { throttled: 1 });
    expect(await outcomes(2)).toEqual({ right: 2 });
    await update({ memory: 2048 });
    expect(await outcomes(2)).toEqual({ right: 2 });
    await update({ memory: 4096 });
    expect(await outcomes(2)).toEqual({ 429: 2 });
    expect(served()).toEqual({ LATEST: 6 });
  });

  test.each([
    [{ errors: 0.4 }, { inside: 4, 500: 4, right: 12 }],
    [{ wrong: 0.25 }, { wrong: 5, right: 15 }],
    [{ throttled: 0.1 }, { 429: 2, right: 18 }],
    [{ dropped: 0.1 }, { cut: 2, right: 18 }],
  ])('%j is counted exactly', async (faults, expected) => {
    lab.setFaults('order-agent', undefined, faults);
    expect(await outcomes(20)).toEqual(expected);
  });

  test('tokens are multiplied', async () => {
    const total = async (): Promise<number> => {
      const usage = (await ask(lab, 'order-agent', 'production', 'hello')).json['usage'];
      return typeof usage === 'object' && usage !== null && 'total_tokens' in usage ? Number(usage.total_tokens) : Number.NaN;
    };
    const usual = await total();
    lab.setFaults('order-agent', undefined, { tokens: 2 });
    expect(await total()).toBe(usual * 2);
  });

  const timed = async (stream: boolean): Promise<{ first: number; whole: number }> => {
    const started = performance.now();
    const response = await fetch(chatUrl(lab, 'order-agent', 'production'), {
      method: 'POST',
      body: JSON.stringify({ stream, messages: [{ role: 'user', content: 'hello' }] }),
    });
    let first = Number.NaN;
    for await (const chunk of response.body ?? []) {
      const text = Buffer.from(chunk).toString('utf8');
      if (Number.isNaN(first) && /"content":"[^"]/.test(text)) first = performance.now() - started;
    }
    return { first, whole: performance.now() - started };
  };

  test('latency is multiplied and added, to the whole answer and to the first token', async () => {
    lab.setFaults('order-agent', undefined, { latency: 50, latencyMs: 40 });
    const slow = await timed(false);
    // 2 ms, less 20 %, times 50, plus 40.
    expect(slow.whole).toBeGreaterThanOrEqual(119);
    lab.setFaults('order-agent', undefined, { firstTokenMs: 400 });
    expect((await timed(false)).whole).toBeLessThan(350);
    const stream = await timed(true);
    expect(stream.first).toBeGreaterThanOrEqual(399);
    expect(stream.whole - stream.first).toBeLessThan(350);
  });

  test('a dropped stream breaks off after its first content', async () => {
    lab.setFaults('order-agent', undefined, { dropped: 1 });
    const response = await fetch(chatUrl(lab, 'order-agent', 'production'), {
      method: 'POST',
      body: JSON.stringify({ stream: true, messages: [{ role: 'user', content: 'hello' }] }),
    });
    expect(response.status).toBe(200);
    let seen = '';
    const reading = (async () => {
      for await (const chunk of response.body ?? []) seen += Buffer.from(chunk).toString('utf8');
    })();
    await expect(reading).rejects.toThrow();
    expect(seen).toContain('order-agent');
    expect(seen).not.toContain('[DONE]');
  });
});
