import { resultOf, type Exposure, type StepEnding, type StepResult } from '@sluice/core';

const start = new Date('2026-11-21T03:00:00Z');

export const result = (step: string, ending: StepEnding, durationMs = 1200): StepResult => resultOf(step, ending, {}, start, durationMs);

export const canaryEvidence = {
  stable: 'v1',
  candidate: 'v2',
  weights: [5, 25],
  readings: [
    { source: 'dify run logs', unit: 'request', guard: 'errors', stable: 0.01, candidate: 0.2, stableCount: 900, candidateCount: 60, evidence: 4211, needed: 60 },
    { source: 'dify run logs', unit: 'request', guard: 'latency', stable: 1200, candidate: 2400, stableCount: 880, candidateCount: 48, evidence: 3.5, needed: 60 },
    { source: 'dify run logs', unit: 'request', guard: 'tokens', stable: null, candidate: null, stableCount: 0, candidateCount: 0, evidence: 1, needed: 60 },
  ],
  silent: ['paired probes: all 200 pairs are used'],
  history: [
    { atMs: 60_000, weight: 5, stable: 90, candidate: 5 },
    { atMs: 300_000, weight: 5, stable: 450, candidate: 24 },
    { atMs: 600_000, weight: 5, stable: 760, candidate: 41 },
    { atMs: 660_000, weight: 25, stable: 830, candidate: 52 },
    { atMs: 720_000, weight: 25, stable: 900, candidate: 60 },
  ],
} as const;

export const aborted = result(
  'canary',
  {
    category: 'gate',
    reason: 'The candidate failed in 12 of 60 and stable in 9 of 900 answers; all traffic is back on v1.',
    evidence: canaryEvidence,
    outputs: { verdict: 'abort', observed: 'v1' },
    hint: 'Read the failed runs of v2, repair it, and release again.',
  },
  720_000,
);

export const release: StepResult = result(
  'release',
  {
    category: 'gate',
    reason: '灰度发布在 25 % 时中止：新版本错误更多。',
    steps: [
      result('validate', { category: 'passed', reason: 'app/support-bot.yml is sound' }, 40),
      result('snapshot', { category: 'passed', reason: '已保存线上版本' }, 900),
      result('deploy', { category: 'passed', reason: 'the draft holds the source' }, 2300),
      result('health-check', { category: 'passed', reason: '3 of 3 answers as expected' }, 8200),
      result('publish-version', { category: 'passed', reason: 'published as v2' }, 1500),
      aborted,
      result('rollback', {
        category: 'platform',
        reason: 'The marks of v2 could not be written.',
        problem: {
          category: 'platform',
          reason: 'not shown',
          tried: 'mark v2 as rolled back',
          where: 'https://dify.example.com/app/5f6c',
          answer: { status: 502, code: 'bad_gateway', message: '<html>|bad|</html>', requestId: 'r-1' },
          hint: 'Run rollback again.',
        },
      }),
      result('notify', { category: 'skipped', reason: 'no channel' }, 5),
    ],
  },
  760_000,
);

export const exposure: Exposure = {
  title: 'Dify behind a gateway',
  rows: [
    { step: 'deploy', served: 'nobody', note: 'the draft' },
    { step: 'canary', served: 'a share', note: 'by weights' },
    { step: 'health-check live', served: 'everybody', note: 'after the verdict' },
  ],
  bypasses: ['the web app at /chat/<code>', 'MCP'],
};

export const labels = { title: 'support-bot, production：灰度发布', stable: 'v1 稳定版', candidate: 'v2 候选版本二' };
