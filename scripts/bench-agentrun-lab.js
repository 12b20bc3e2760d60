// A lab's AgentRun in a process of its own, which waits before each answer of the control plane.
// It has one agent with two published versions. The parent asks by any message and gets the routing of its users'
// endpoint and the calls since it last asked.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from './compile.js';

const { startLabAgentRun } = await import(pathToFileURL(join(build, 'packages', 'lab', 'src', 'index.js')).href);
const lab = await startLabAgentRun({ pollsToReady: 1, controlLatencyMs: Number(process.argv[2]) });
lab.createRuntime({ name: 'order-agent', endpoint: 'production' });
lab.publish('order-agent', 1);

let told = 0;
process.on('message', () => {
  const calls = lab.calls();
  process.send({ routing: lab.routing('order-agent', 'production'), calls: calls.slice(told).map(({ action, method, path }) => `${method} ${path} ${action}`) });
  told = calls.length;
});
process.on('disconnect', () => void lab.close());
const { control, data, accountId, credentials } = lab;
process.send({ control, data, accountId, credentials });
