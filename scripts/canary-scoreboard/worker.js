// Runs cells in a thread of its own.
import { parentPort, workerData } from 'node:worker_threads';
import { cell } from './cell.js';
import { foretold } from './foretold.js';

const { url, coreUrl } = workerData;
const room = { rollout: await import(`${url}/index.js`), twoSample: await import(`${url}/two-sample.js`), defaults: (await import(`${coreUrl}/index.js`)).defaultCanaryPlan };

parentPort.on('message', (job) => parentPort.postMessage({ index: job.index, result: { ...cell(room, job), foretold: foretold(room, job) } }));
