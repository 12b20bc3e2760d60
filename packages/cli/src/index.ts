import { setFlagsFromString } from 'node:v8';
import { exitCode } from '@sluice/core';
import { enter } from './door.ts';

// Node 20 optimises functions so early that a run of half a second spends a fifth of its CPU time on machine code that it
// hardly uses. Later releases of Node wait longer by themselves, and do not know this flag.
if (process.versions.node.startsWith('20.')) setFlagsFromString('--interrupt-budget=10000000');
// The HTTP library parses answers in WebAssembly. V8 makes faster code of that beside the run, which no run is long enough
// to win back, and Node does not end before it is made: that took up to a tenth of a second.
setFlagsFromString('--liftoff-only');

// A run that ends before its command has ended, because nothing is left to wait for, has no result: that is a defect.
process.exitCode = exitCode('defect');
process.exitCode = await enter(process.argv.slice(2), process);
