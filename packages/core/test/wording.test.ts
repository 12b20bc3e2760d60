import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const packages = new URL('../..', import.meta.url).pathname;
/** rooms are those whose reasons are held to one form: a phrase that begins small and ends without a full stop. */
const rooms = ['core', 'dify', 'gateway', 'agentrun', 'notify', 'steps', 'probe', 'evidence', 'rollout', 'state'];
const names = /^(?:Dify|Prometheus|AgentRun|Alibaba|Log Service|CloudMonitor|Sluice|DingTalk|Slack|HTTP|HTML|JSON|LATEST|[A-Z_]+\b)/;

test('reasons begin small, but for names, and end without a full stop', () => {
  const files = rooms.flatMap((room) => readdirSync(join(packages, room, 'src'), { recursive: true, encoding: 'utf8' }).map((path) => join(packages, room, 'src', path)));
  const reasons = files.filter((file) => file.endsWith('.ts') && !file.endsWith('/ending-outputs.ts')).flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/\b(?:reason|failed): (?:[^'"`\n]*\? )?(['"`])(.*?)\1[,;: }]/g)].map(([, , text = '']) => text));
  expect(reasons.length).toBeGreaterThan(100);
  expect(reasons.filter((text) => (/^[A-Z]/.test(text) && !names.test(text)) || /[^.]\.$/.test(text))).toEqual([]);
});
