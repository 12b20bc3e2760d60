import { expect, test } from '@jest/globals';
import { emptyRecord, type EnvironmentRecord, type Version } from '@sluice/core';
import { publishedBehindPin, publishedUnrecorded } from '../src/standing.ts';

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

test.each<[name: string, candidate: EnvironmentRecord['candidate'], live: Version | undefined, ungoverned: Version | undefined, found: string | undefined]>([
  ['its publication was recorded', { version: 'v2', digest: 'new' }, live('v1', 'old'), live('v2', 'new'), 'v2'],
  ['its publication was begun over the version that is pinned', { version: 'draft', digest: 'new', over: 'v1' }, live('v1', 'old'), live('v2', 'new'), 'v2'],
  ['it was begun over another version', { version: 'draft', digest: 'new', over: 'v0' }, live('v1', 'old'), live('v2', 'new'), undefined],
  ['no run was about to publish it', { version: 'draft', digest: 'new' }, live('v1', 'old'), live('v2', 'new'), undefined],
  ['something else is published', { version: 'draft', digest: 'new', over: 'v1' }, live('v1', 'old'), live('v2', 'other'), undefined],
  ['users get what is published', { version: 'v2', digest: 'new' }, live('v2', 'new'), undefined, undefined],
  ['nothing was deployed', undefined, live('v1', 'old'), live('v2', 'new'), undefined],
])('a candidate is published while users are pinned to another version: %s', (_name, candidate, now, published, found) => {
  expect(publishedBehindPin(record(candidate), { ...(now === undefined ? {} : { live: now }), ...(published === undefined ? {} : { ungoverned: published }) })?.id).toBe(found);
});
