import { expect, test } from '@jest/globals';
import { emptyRecord, type EnvironmentRecord, type Version } from '@sluice/core';
import { publishedUnrecorded } from '../src/standing.ts';

const record = (candidate: EnvironmentRecord['candidate']): EnvironmentRecord => ({ ...emptyRecord('app', 'production'), ...(candidate === undefined ? {} : { candidate }) });
const live = (id: string, digest: string): Version => ({ id, name: id, digest, comment: '', publishedAt: '' });

test.each<[name: string, candidate: EnvironmentRecord['candidate'], live: Version | undefined, published: boolean]>([
  ['another version is live since, with its content', { version: 'draft', digest: 'new', over: 'v1' }, live('v2', 'new'), true],
  ['it is the first version that is live', { version: 'draft', digest: 'new', over: '' }, live('v1', 'new'), true],
  ['the same version is live: a secret alone was to be published', { version: 'draft', digest: 'new', over: 'v1' }, live('v1', 'new'), false],
  ['something else was published since', { version: 'draft', digest: 'new', over: 'v1' }, live('v2', 'other'), false],
  ['nothing is live', { version: 'draft', digest: 'new', over: '' }, undefined, false],
  ['no run was about to publish it', { version: 'draft', digest: 'new' }, live('v2', 'new'), false],
  ['its publication was recorded', { version: 'v2', digest: 'new' }, live('v2', 'new'), false],
  ['nothing was deployed', undefined, live('v2', 'new'), false],
])('a candidate was published without a record of it: %s', (_name, candidate, now, published) => {
  expect(publishedUnrecorded(record(candidate), now)).toBe(published);
});
