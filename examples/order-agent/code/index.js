import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';

const port = Number(process.env.PORT ?? 9000);
const language = process.env.REPLY_LANGUAGE === 'zh' ? 'zh' : 'en';

const sentences = {
  en: {
    known: (order, place) => `Order ${order} is ${place}.`,
    unknown: (order) => `I know no order ${order}. Please check the number.`,
    none: () => 'Please tell me the number of your order.',
  },
  zh: {
    known: (order, place) => `订单 ${order} ${place}。`,
    unknown: (order) => `没有找到订单 ${order}，请核对订单号。`,
    none: () => '请告诉我您的订单号。',
  },
};

const places = {
  1017: { en: 'on its way to Hangzhou', zh: '正在运往杭州' },
  1018: { en: 'waiting for you at the parcel station', zh: '已到驿站，等待取件' },
};

const reply = (query) => {
  const order = /\d{4,}/.exec(query)?.[0];
  const say = sentences[language];
  if (order === undefined) return say.none();
  const place = places[order]?.[language];
  return place === undefined ? say.unknown(order) : say.known(order, place);
};

const usageOf = (query, text) => {
  const [prompt, completion] = [query, text].map((part) => Math.max(1, Math.ceil(part.length / 3)));
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
};

const sendJson = (response, status, value) => {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(value));
};

const sendStream = (response, base, text, usage) => {
  const send = (value) => response.write(`data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`);
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  for (const piece of text.match(/.{1,8}/gsu) ?? []) send({ ...base, choices: [{ index: 0, delta: { content: piece }, finish_reason: null }] });
  send({ ...base, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
  send({ ...base, choices: [], usage });
  send('[DONE]');
  response.end();
};

const chat = (body, response) => {
  let request;
  try {
    request = JSON.parse(body);
  } catch {
    sendJson(response, 400, { error: { message: 'the body is not JSON' } });
    return;
  }
  const query = request.messages?.findLast?.((message) => message.role === 'user')?.content;
  if (typeof query !== 'string') {
    sendJson(response, 400, { error: { message: 'messages needs one of role user with a text' } });
    return;
  }
  const text = reply(query);
  const usage = usageOf(query, text);
  const base = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: 'order-agent' };
  if (request.stream === true) {
    sendStream(response, { ...base, object: 'chat.completion.chunk' }, text, usage);
    return;
  }
  const choices = [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }];
  sendJson(response, 200, { ...base, object: 'chat.completion', choices, usage });
};

createServer(async (request, response) => {
  if (request.method === 'GET' && request.url === '/health') {
    sendJson(response, 200, { status: 'ok' });
  } else if (request.method === 'GET' && request.url === '/openai/v1/models') {
    sendJson(response, 200, { object: 'list', data: [{ id: 'order-agent', object: 'model' }] });
  } else if (request.method === 'POST' && request.url === '/openai/v1/chat/completions') {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    chat(Buffer.concat(chunks).toString('utf8'), response);
  } else {
    sendJson(response, 404, { error: { message: 'not found' } });
  }
}).listen(port);
