// Sets the weights of an endpoint by the product's own client, as one whole process. argv: the connection as JSON.
// It is bundled before it is measured, as the product is.
import * as core from '../build/packages/core/src/index.js';
import { agentrunPlatform } from '../build/packages/agentrun/src/index.js';

const { folder, text, control, sts, credentials, weight } = JSON.parse(process.argv[2]);

const clock = core.systemClock();
const signal = new AbortController().signal;
const http = core.createHttpClient({ clock, signal, userAgent: 'bench', loopbackOnly: true });
const { source } = agentrunPlatform.parse({ path: 's.yaml', folder, text });
const value = (outcome) => {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.problem));
  return outcome.value;
};
const target = value(
  await agentrunPlatform.connect({
    name: 'bench', step: 'canary', deadlineMs: 60_000, setting: () => undefined, mask: () => undefined, log: () => undefined, readOnly: false,
    environment: { agentrun: { endpoint: 'production', control, sts } },
    secrets: core.createSecretReader({ environment: { ALIBABA_CLOUD_ACCESS_KEY_ID: credentials.accessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: credentials.accessKeySecret }, mask: () => undefined, note: () => undefined, offline: false }),
    http, clock, signal, source,
  }),
);
const before = value(await target.traffic.read());
value(await target.traffic.set(before.split, { stable: '1', candidate: '2', weight }));
await http.close();
