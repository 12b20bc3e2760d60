// Loaded into a Node program and into every Node program that it starts: writes down where each of them connects, which
// names it asks for and what it sends as datagrams, and lets nothing through but connections to this machine.
'use strict';
const { appendFileSync } = require('node:fs');
const dgram = require('node:dgram');
const dns = require('node:dns');
const net = require('node:net');

const record = __filename.replace(/\.cjs$/, '.txt');
const write = (...words) => appendFileSync(record, `${words.join(' ')}\n`);
process.env.NODE_OPTIONS = `--require ${__filename}`;

const local = new Set(['127.0.0.1', '::1', 'localhost']);
const stop = (socket) => socket.destroy(Object.assign(new Error('not in this test'), { code: 'ECONNREFUSED' }));

const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function (...given) {
  const [first] = given;
  const options = Array.isArray(first) ? first[0] : typeof first === 'object' ? first : { port: first, host: given[1] };
  if (options.path !== undefined && options.path !== null) return connect.apply(this, given);
  const host = options.host ?? 'localhost';
  write('connect', host, options.port);
  if (local.has(host)) return connect.apply(this, given);
  process.nextTick(stop, this);
  return this;
};

for (const of of [dns, dns.promises]) {
  const { lookup } = of;
  of.lookup = (name, ...rest) => {
    if (!local.has(name) && net.isIP(name) === 0) write('lookup', name);
    return lookup.call(of, local.has(name) || net.isIP(name) !== 0 ? name : 'name.invalid', ...rest);
  };
}
// Every way to ask a name server but lookup goes through a resolver, or through these that have one of their own.
for (const of of [dns, dns.promises, dns.Resolver.prototype, dns.promises.Resolver.prototype]) {
  for (const name of Object.getOwnPropertyNames(of).filter((key) => /^(?:resolve|reverse)/.test(key))) {
    of[name] = (asked) => {
      write('lookup', asked);
      throw Object.assign(new Error('not in this test'), { code: 'EREFUSED' });
    };
  }
}
dgram.Socket.prototype.send = function (...given) {
  write('datagram', given.find((one) => typeof one === 'string') ?? 'localhost');
};
const { spawn } = require('node:child_process');
require('node:child_process').spawn = (program, ...rest) => {
  write('start', program);
  return spawn(program, ...rest);
};
write('loaded', process.pid);
