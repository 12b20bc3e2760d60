// Reads the record of a branch and writes it once, for a test that kills it meanwhile.
import { createCommandRunner, systemClock } from '@sluice/core';
import { gitStore } from '@sluice/state';

const [address, branch, path, home, holder] = process.argv.slice(2);
const store = gitStore({
  address, branch, environment: {}, commands: createCommandRunner({ path, home }), clock: systemClock(),
  who: { actor: 'a', runUrl: '', commit: '' }, rights: '', redact: (text) => text,
});
const found = await store.read('应用', 'production');
if (!found.ok) throw new Error(found.problem.reason);
const record = found.value?.record ?? { format: 1, application: '应用', environment: 'production', history: [] };
const written = await store.write({ ...record, lease: { holder, until: 1 } }, found.value?.revision);
if (!written.ok) throw new Error(written.problem.reason);
await store.close();
