import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { acs3Signature, SignatureCheck, type SignedRequest } from '../src/agentrun/acs3.ts';
import { crc64 } from '../src/agentrun/crc64.ts';
import { Lifecycle } from '../src/agentrun/lifecycle.ts';
import { Misbehaviour } from '../src/agentrun/misbehaviour.ts';
import { chooseVersion, evenPoint, mergeRouting, readRouting, type Routing } from '../src/agentrun/routing.ts';
import { Sessions } from '../src/agentrun/sessions.ts';

const vectorBody = '{"targetVersion":"1","routingConfiguration":{"versionWeights":[{"version":"2","weight":0.1}]}}';
const vector: SignedRequest = {
  method: 'PUT',
  target: '/2025-09-10/agents/runtimes/ar-1/endpoints/are-1',
  query: new URLSearchParams(),
  body: Buffer.from(vectorBody),
  headers: {
    host: 'agentrun.cn-hangzhou.aliyuncs.com',
    'content-type': 'application/json; charset=utf-8',
    'x-acs-accesskey-id': 'AKtest',
    'x-acs-action': 'UpdateAgentRuntimeEndpoint',
    'x-acs-content-sha256': createHash('sha256').update(vectorBody).digest('hex'),
    'x-acs-date': '2026-01-02T03:04:05Z',
    'x-acs-security-token': 'STStok',
    'x-acs-signature-nonce': 'nonce-1',
    'x-acs-version': '2025-09-10',
  },
};

describe('ACS3 signature', () => {
  const names = Object.keys(vector.headers).sort();

  test('equals what the official client computes', () => {
    expect(acs3Signature(vector, names, 'SKtest')).toBe('b17f0ddc6909fa0ae80d5746c910325a9a190e2f4e4acb276a26f0b9a680b4ce');
  });

  test('is accepted once and then refused as a replay', () => {
    const check = new SignatureCheck(
      (id) => (id === 'AKtest' ? { accessKeyId: 'AKtest', accessKeySecret: 'SKtest', securityToken: 'STStok' } : undefined),
      () => Date.parse('2026-01-02T03:10:00Z'),
    );
    const request = {
      ...vector,
      headers: {
        ...vector.headers,
        authorization: `ACS3-HMAC-SHA256 Credential=AKtest,SignedHeaders=${names.join(';')},Signature=${acs3Signature(vector, names, 'SKtest')}`,
      },
    };
    expect(check.refuse(request)).toBeUndefined();
    expect(check.refuse(request)).toMatchObject({ code: 'SignatureNonceUsed' });
  });

  test('covers the query with RFC 3986 escapes in sorted order', () => {
    const asked = (query: string): string =>
      acs3Signature({ ...vector, method: 'GET', target: `/x?${query}`, query: new URLSearchParams(query) }, names, 'SKtest');
    expect(asked('b=1&a=%2A%20%E4%B8%AD')).toBe(asked('a=*+中&b=1'));
    expect(asked('a=1&b=1')).not.toBe(asked('a=1&b=2'));
  });
});

test.each([
  ['', '0'],
  // The check value of CRC-64/XZ, which OSS calls CRC-64 (ECMA-182).
  ['123456789', String(0x995dc9bbdf1939fan)],
])('crc64 of "%s"', (text, expected) => {
  expect(crc64(Buffer.from(text))).toBe(expected);
});

describe('routing', () => {
  const stored: Routing = { targetVersion: '1', versionWeights: [{ version: '2', weight: 0.1 }] };
  const keep = { absent: 'keep', empty: 'clear' } as const;

  test.each([
    ['a weight in per cent', { routingConfiguration: { versionWeights: [{ version: '2', weight: 10 }] } }, 'from 0.0 to 1.0'],
    ['a negative weight', { routingConfiguration: { versionWeights: [{ version: '2', weight: -0.1 }] } }, 'from 0.0 to 1.0'],
    ['a weight as text', { routingConfiguration: { versionWeights: [{ version: '2', weight: '0.1' }] } }, 'from 0.0 to 1.0'],
    ['a number as version', { routingConfiguration: { versionWeights: [{ version: 2, weight: 0.1 }] } }, 'must be a string'],
    ['two extra versions', { routingConfiguration: { versionWeights: [{ version: '2', weight: 0.1 }, { version: '3', weight: 0.1 }] } }, 'at most one'],
    ['a number as target', { targetVersion: 1 }, 'must be a string'],
  ])('refuses %s', (_what, body, said) => {
    expect(readRouting(body)).toContain(said);
  });

  test.each([
    ['keeps absent weights', keep, { targetVersion: '2' }, [{ version: '2', weight: 0.1 }]],
    ['clears absent weights', { absent: 'clear', empty: 'clear' } as const, { targetVersion: '2' }, []],
    ['clears by an empty list', keep, { routingConfiguration: { versionWeights: [] } }, []],
    ['keeps in spite of an empty list', { absent: 'keep', empty: 'keep' } as const, { routingConfiguration: { versionWeights: [] } }, stored.versionWeights],
    ['replaces weights', keep, { routingConfiguration: { versionWeights: [{ version: '3', weight: 0.5 }] } }, [{ version: '3', weight: 0.5 }]],
  ])('%s', (_what, rule, body, expected) => {
    const request = readRouting(body);
    if (typeof request === 'string') throw new Error(request);
    expect(mergeRouting(stored, request, rule).versionWeights).toEqual(expected);
  });

  test('gives any weight its share within two in any 100 choices', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), fc.nat(100_000), (perCent, start) => {
        const routing: Routing = { targetVersion: '1', versionWeights: [{ version: '2', weight: perCent / 100 }] };
        const chosen = Array.from({ length: 100 }, (_, index) => chooseVersion(routing, evenPoint(start + index)));
        const share = chosen.filter((version) => version === '2').length;
        return Math.abs(share - perCent) <= (perCent === 0 || perCent === 100 ? 0 : 2);
      }),
      { seed: 7 },
    );
  });
});

describe('lifecycle', () => {
  test('ends after the given polls, or after its time', () => {
    let now = 0;
    const lifecycle = new Lifecycle({ polls: 2, settleMs: 1000, ready: 'READY' }, () => now);
    const ended: string[] = [];
    lifecycle.begin('CREATING', undefined, () => ended.push('created'));
    lifecycle.poll();
    expect(lifecycle.status).toBe('CREATING');
    lifecycle.poll();
    expect(lifecycle.status).toBe('READY');
    lifecycle.begin('UPDATING', undefined, () => ended.push('updated'));
    now = 999;
    expect(lifecycle.status).toBe('UPDATING');
    now = 1000;
    expect(lifecycle.status).toBe('READY');
    expect(ended).toEqual(['created', 'updated']);
  });

  test.each([
    ['CREATING', 'CREATE_FAILED'],
    ['UPDATING', 'UPDATE_FAILED'],
    ['DELETING', 'DELETE_FAILED'],
  ] as const)('%s fails as %s with its reason and takes no effect', (phase, status) => {
    const lifecycle = new Lifecycle({ polls: 1, settleMs: 1000, ready: 'READY' }, () => 0);
    let took = false;
    lifecycle.begin(phase, 'image not found', () => {
      took = true;
    });
    lifecycle.poll();
    expect([lifecycle.status, lifecycle.reason, took]).toEqual([status, 'image not found', false]);
  });
});

test('sessions stick until they were idle for too long', () => {
  let now = 0;
  const sessions = new Sessions(() => now);
  expect(sessions.version('a', 100, () => '1')).toBe('1');
  now = 90;
  expect(sessions.version('a', 100, () => '2')).toBe('1');
  now = 180;
  expect(sessions.version('a', 100, () => '2')).toBe('1');
  now = 280;
  expect(sessions.version('a', 100, () => '2')).toBe('2');
});

test('misbehaviour hits exactly its shares', () => {
  const misbehaviour = new Misbehaviour({ errors: 0.2, wrong: 0.5, throttled: 0.1, dropped: 0.05 });
  const fates = Array.from({ length: 200 }, () => misbehaviour.next());
  expect({
    status: fates.filter(({ error }) => error === 'status').length,
    inside: fates.filter(({ error }) => error === 'inside').length,
    wrong: fates.filter(({ wrong }) => wrong).length,
    throttled: fates.filter(({ throttled }) => throttled).length,
    dropped: fates.filter(({ dropped }) => dropped).length,
  }).toEqual({ status: 20, inside: 20, wrong: 100, throttled: 20, dropped: 10 });
});
