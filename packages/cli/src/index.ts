import { enter } from './door.ts';

process.exitCode = await enter(process.argv.slice(2), process);
