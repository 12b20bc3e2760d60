import { describe, expect, test } from '@jest/globals';
import { refusedAddress } from '../src/http/connecting.ts';
import { checkedLookup } from '../src/http/dispatcher.ts';
import { retryAfterMs, waitBeforeRetry } from '../src/http/retry.ts';

const lookedUp = (addresses: readonly string[], loopbackOnly: boolean, all: boolean): Promise<unknown> =>
  new Promise((resolve) => {
    const lookup = checkedLookup(loopbackOnly, (_hostname, _options, callback) => {
      callback(null, addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
    });
    lookup('dify.example.com', { all }, (error, found) => resolve(error === null ? found : error.code));
  });

describe('checkedLookup', () => {
  test.each([
    [['93.184.216.34'], false, '93.184.216.34'],
    [['93.184.216.34'], true, refusedAddress],
    [['127.0.0.1'], true, '127.0.0.1'],
    [['::1'], true, '::1'],
    [['127.0.0.1', '93.184.216.34'], true, refusedAddress],
    [['93.184.216.34', '169.254.169.254'], false, refusedAddress],
    [['fe80::1'], false, refusedAddress],
    [['::ffff:169.254.169.254'], false, refusedAddress],
    [['100.100.100.200'], false, refusedAddress],
    [['fd00:ec2::254'], false, refusedAddress],
    [['0.0.0.0'], true, refusedAddress],
    [[], false, refusedAddress],
  ])('%j, this machine only: %p', async (addresses, loopbackOnly, expected) => {
    expect(await lookedUp(addresses, loopbackOnly, false)).toBe(expected);
    const all = await lookedUp(addresses, loopbackOnly, true);
    expect(Array.isArray(all) ? (all[0] as { address: string }).address : all).toBe(expected);
  });

  test('an error of the lookup stays what it was', async () => {
    const error = Object.assign(new Error('x'), { code: 'ENOTFOUND' });
    const code = await new Promise((resolve) => {
      checkedLookup(false, (_hostname, _options, callback) => callback(error, []))('a', {}, (found) => resolve(found?.code));
    });
    expect(code).toBe('ENOTFOUND');
  });
});

describe('retry', () => {
  test.each([
    ['7', 7000],
    [' 0 ', 0],
    ['Thu, 01 Jan 1970 00:01:00 GMT', 50_000],
    ['Thu, 01 Jan 1970 00:00:01 GMT', 0],
    ['-1', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    [undefined, undefined],
  ])('Retry-After %j is %p ms', (header, expected) => {
    expect(retryAfterMs(header, 10_000)).toBe(expected);
  });

  test.each([
    [1, 1, undefined, 1000],
    [2, 1, undefined, 2000],
    [9, 1, undefined, 10_000],
    [2, 0, undefined, 0],
    [1, 0.5, 7000, 7000],
  ])('after try %d with chance %d and %p ms asked the wait is %d ms', (tried, chance, asked, expected) => {
    expect(waitBeforeRetry(tried, chance, asked)).toBe(expected);
  });
});
