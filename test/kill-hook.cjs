// Is loaded into a run of the bundle. Counts what it does outside of itself and kills it, as kill -9 does, at the one
// that SLUICE_KILL_AT names; with SLUICE_KILL_LOG it only writes down what there was.
const { appendFileSync } = require('node:fs');
const promises = require('node:fs/promises');
const children = require('node:child_process');
const diagnostics = require('node:diagnostics_channel');

const at = Number(process.env.SLUICE_KILL_AT ?? 0);
const log = process.env.SLUICE_KILL_LOG;
let seen = 0;

const boundary = (what) => {
  seen += 1;
  if (log !== undefined) appendFileSync(log, `${what}\n`);
  if (seen === at) process.kill(process.pid, 'SIGKILL');
};

const around = (owner, name, label = name) => {
  const real = owner[name];
  owner[name] = async function (...given) {
    boundary(`before ${label}`);
    const answer = await Reflect.apply(real, this, given);
    boundary(`after ${label}`);
    return answer;
  };
};
for (const name of ['rename', 'rm', 'mkdir', 'writeFile']) around(promises, name);

const { open } = promises;
promises.open = async (...given) => {
  const writes = given[1] !== undefined && given[1] !== 'r' && (typeof given[1] === 'string' || (given[1] & 3) !== 0);
  if (writes) boundary('before open');
  const file = await open(...given);
  if (!writes) return file;
  boundary('after open');
  for (const name of ['writeFile', 'sync']) around(file, name, `${name} of a file`);
  return file;
};

const { spawn } = children;
children.spawn = (...given) => {
  boundary('before a command');
  const child = spawn(...given);
  boundary('after the start of a command');
  child.once('exit', () => boundary('after a command'));
  return child;
};

diagnostics.subscribe('undici:request:create', ({ request }) => boundary(`before ${request.method}`));
diagnostics.subscribe('undici:request:bodySent', ({ request }) => boundary(`after sending ${request.method}`));
diagnostics.subscribe('undici:request:trailers', ({ request }) => boundary(`after the answer to ${request.method}`));
