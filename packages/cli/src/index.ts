import { exitCode } from '@sluice/core';
import { enter } from './door.ts';

// A run that ends before its command has ended, because nothing is left to wait for, has no result: that is a defect.
process.exitCode = exitCode('defect');
process.exitCode = await enter(process.argv.slice(2), process);
