import { expect, test } from '@jest/globals';
import { configSchema, type EnvironmentConfig, type PlacedEnvironment } from '@sluice/core';
import { difyPlatform } from '../src/index.ts';
import { readAddress } from '../src/server/address.ts';
import { DifySource } from '../src/source/source.ts';

const app = '4d0a7a4e-1c7e-4b1e-9a51-0b7a4c4b1f11';

const environment = (keys: Readonly<Record<string, unknown>>): EnvironmentConfig => {
  const { environments: { one } } = configSchema.parse({ name: 'bot', source: 'app.yml', environments: { one: keys } });
  if (one === undefined) throw new Error('no environment');
  return one;
};

test.each([
  ['https://dify.example.com', 'https://dify.example.com/console/api'],
  ['https://dify.example.com/prefix/', 'https://dify.example.com/prefix/console/api'],
  [{ console: 'https://dify.example.com', workspace: 'w1' }, 'https://dify.example.com/console/api'],
])('previews are made at %j, without an app', (dify, console) => {
  expect(readAddress(environment({ preview: true, dify }))).toMatchObject({ ok: true, value: { console, app: '' } });
  expect(difyPlatform.review?.(environment({ preview: true, dify }))).toEqual([]);
});

test.each([[`https://dify.example.com/app/${app}/workflow`], [{ console: 'https://dify.example.com', app }]])('an app is refused there: %j', (dify) => {
  expect(difyPlatform.review?.(environment({ preview: true, dify }))).toEqual([expect.objectContaining({ rule: 'dify/address', severity: 'error', message: expect.stringContaining('names an app') })]);
});

const placed = (keys: Readonly<Record<string, unknown>>): PlacedEnvironment => {
  const source = DifySource.of('app.yml', { app: { name: 'bot', mode: 'chat' } });
  if (source === undefined) throw new Error('no source');
  return { environment: environment(keys), source };
};

test.each([
  ['the same workspace of the same server', 'https://dify.example.com', 'w1', true],
  ['another workspace', 'https://dify.example.com', 'w2', false],
  ['another server', 'https://other.example.com', 'w1', false],
])('validate finds that previews share %s with production', (_what, console, workspace, found) => {
  const production = placed({ dify: { console: 'https://dify.example.com', app, workspace: 'w1' } });
  expect(difyPlatform.shared?.(placed({ preview: true, dify: { console, workspace } }), production) !== undefined).toBe(found);
  expect(difyPlatform.shared?.(production, production)).toBeUndefined();
});
