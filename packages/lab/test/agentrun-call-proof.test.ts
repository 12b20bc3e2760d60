import { expect, test } from '@jest/globals';
import { callSignature } from '../src/agentrun/call-proof.ts';

const host = '1431999136518149-ram.agentrun-data.cn-hangzhou.aliyuncs.com';

// The snapshots of agentrun-sdk-python 0.0.51, tests/unittests/ram_signature/test_signer.py.
test.each([
  ['GET', '/sandboxes/sbx-xxx/health', undefined, 'e1479ea1aec37e55f91d82b1ccc48df2feef04184a911f91a3e3fe0e27d02610'],
  ['GET', '/path?foo=bar&zoo=', undefined, '2de34f2c0ef3d6f0f6460f994ee3fea8c940241fcc2ff2f008a776f1be9b4dba'],
  ['POST', '/path?foo=bar&zoo=', undefined, 'a0d4e04405ddf83d93cf8b30c6064c1a68a298cf95ca6ff56be04f515b98ddbe'],
  ['POST', '/path?foo=bar&zoo=', 'application/json', 'fdcde808b0dc7526d8083e681ca9a64728e5c1e67e4c92735dfb2268ecc71fb2'],
])('the signature that the lab wants of %s %s, content type %s, is that of the official SDK', (method, target, contentType, signature) => {
  const headers = { host, 'x-acs-date': '2026-03-06T12:00:00Z', 'x-acs-content-sha256': 'UNSIGNED-PAYLOAD', ...(contentType === undefined ? {} : { 'content-type': contentType }) };
  const request = { method, target, query: new URLSearchParams(target.split('?')[1] ?? ''), headers, body: Buffer.alloc(0) };
  expect(callSignature(request, Object.keys(headers).sort(), { day: '20260306', region: 'cn-hangzhou' }, 'secret')).toBe(signature);
});
