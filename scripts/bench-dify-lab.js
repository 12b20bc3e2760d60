// A lab's Dify in a process of its own, which waits before each answer and measures itself how long each one takes.
// The parent asks by messages: { dsl } makes an app, {} gives the requests since it last asked.
import diagnostics from 'node:diagnostics_channel';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from './compile.js';

const { startLabDify } = await import(pathToFileURL(join(build, 'packages', 'lab', 'src', 'index.js')).href);
const lab = await startLabDify({ latencyMs: Number(process.argv[2]) });
const now = () => performance.timeOrigin + performance.now();

let answered = [];
diagnostics.subscribe('http.server.request.start', ({ request, response }) => {
  const begun = now();
  response.once('finish', () => answered.push({ call: `${request.method} ${request.url}`, begun, ended: now() }));
});

process.on('message', ({ dsl }) => {
  if (dsl !== undefined) return process.send(lab.createApp(dsl));
  process.send(answered);
  answered = [];
});
process.on('disconnect', () => void lab.close());
process.send({ origin: lab.origin, ...lab.credentials });
