import { expect, test } from '@jest/globals';
import { configSchema } from '@sluice/core';
import { agentrunPlatform } from '../src/index.ts';

const reviewed = (keys: Readonly<Record<string, unknown>>): readonly string[] => {
  const { environments: { one } } = configSchema.parse({ name: 'bot', source: 's.yaml', environments: { one: keys } });
  return one === undefined ? [] : (agentrunPlatform.review?.(one) ?? []).map(({ rule }) => rule);
};

test('no program of sluice.yml deploys a preview', () => {
  expect(reviewed({ preview: true, agentrun: { deploy: 's' } })).toEqual(['agentrun/preview-deploy']);
  expect(reviewed({ preview: true, agentrun: { deploy: 'api' } })).toEqual([]);
  expect(reviewed({ agentrun: { endpoint: 'production', deploy: 's' } })).toEqual([]);
});
