// Is loaded into a run of the bundle. Counts what it does outside of itself and kills it, as kill -9 does, at the one
// that SLUICE_KILL_AT names, of the kind SLUICE_KILL_OF where it is set; with SLUICE_KILL_LOG it writes down what there was. SLUICE_KILL_CHILDREN gets the ids of the
// programs that it started, and SLUICE_KILL_RECORDS the records that it was about to store.
const { appendFileSync } = require('node:fs');
const promises = require('node:fs/promises');
const children = require('node:child_process');
const diagnostics = require('node:diagnostics_channel');

const { SLUICE_KILL_AT, SLUICE_KILL_OF: only = '', SLUICE_KILL_LOG: log, SLUICE_KILL_CHILDREN: started, SLUICE_KILL_RECORDS: records } = process.env;
const at = Number(SLUICE_KILL_AT ?? 0);
let seen = 0;

const boundary = (what) => {
  if (only === '' || only === what) seen += 1;
  if (log !== undefined) appendFileSync(log, `${what}\n`);
  if (seen === at && (only === '' || only === what)) process.kill(process.pid, 'SIGKILL');
};

const noted = (text) => {
  if (records !== undefined && typeof text === 'string' && text.startsWith('{') && text.includes('"seal": ')) appendFileSync(records, `${JSON.stringify(text)}\n`);
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
  const write = file.writeFile;
  file.writeFile = function (text, ...more) {
    noted(text);
    return Reflect.apply(write, this, [text, ...more]);
  };
  return file;
};

const verbs = ['init', 'ls-remote', 'fetch', 'rev-parse', 'ls-tree', 'cat-file', 'hash-object', 'mktree', 'commit-tree', 'push', 'config', '--version'];

const { spawn } = children;
children.spawn = (...given) => {
  const verb = given[0] === 'git' ? verbs.find((one) => given[1].includes(one)) : undefined;
  const label = verb === undefined ? 'a command' : `git ${verb}`;
  boundary(`before ${label}`);
  const child = spawn(...given);
  if (started !== undefined && child.pid !== undefined) appendFileSync(started, `${child.pid}\n`);
  boundary(`after the start of ${label}`);
  child.once('exit', () => boundary(`after ${label}`));
  const { end } = child.stdin ?? {};
  if (end !== undefined) {
    child.stdin.end = function (text, ...more) {
      noted(text);
      return Reflect.apply(end, this, [text, ...more]);
    };
  }
  return child;
};

diagnostics.subscribe('undici:request:create', ({ request }) => boundary(`before ${request.method}`));
diagnostics.subscribe('undici:request:bodySent', ({ request }) => boundary(`after sending ${request.method}`));
diagnostics.subscribe('undici:request:trailers', ({ request }) => boundary(`after the answer to ${request.method}`));
