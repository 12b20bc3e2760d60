import { done, failed, type Outcome, type Platform, type Source } from '@sluice/core';
import { diffSources } from './source/diff.ts';
import { addressFindings, sharedWorkspace } from './server/address.ts';
import { difyExposures } from './server/exposure.ts';
import { environmentRules } from './source/environment-rules.ts';
import { graphOf } from './source/graph.ts';
import { needNames } from './source/needs.ts';
import { overlay } from './source/overlay.ts';
import { parse } from './source/parse.ts';
import { datasetFindings } from './source/rules/datasets.ts';
import { difyRules } from './source/rules/names.ts';
import { settingFindings } from './source/rules/settings.ts';
import { isDifySource, type DifySource } from './source/source.ts';

/** difySecrets are the environment variables that a connection to Dify may read, each with what it is for. */
export const difySecrets: Readonly<Record<string, string>> = {
  DIFY_EMAIL: 'the e-mail of the account that Sluice logs in with: one of this workspace alone, with the editor role',
  DIFY_PASSWORD: 'the password of that account',
  DIFY_TOKEN: 'a session opened elsewhere, where an account has no password: an access token (to Dify 1.9.1), or the Cookie header of a browser that is logged in (from 1.9.2)',
  DIFY_ADMIN_KEY: "the server's ADMIN_API_KEY, in place of an account (self-hosted only); it opens every workspace of the server",
  DIFY_APP_KEY: "the app's own API key; read from the console when it is not set",
};

const own = (source: Source): Outcome<DifySource> =>
  isDifySource(source) ? done(source) : failed({ category: 'defect', reason: 'a source of another platform was given to Dify' });

/** difyPlatform releases apps on Dify: their DSL offline, and a target by the console and service APIs. */
export const difyPlatform: Platform = {
  name: 'dify',
  secrets: difySecrets,
  exposures: difyExposures,
  rules: difyRules,
  parse,
  examine: async (file, parsed, ports) => (await import('./source/examine.ts')).examine(file, parsed, ports),
  overlay: (source, environment, secrets) => {
    const dify = own(source);
    return dify.ok ? overlay(dify.value, environment, secrets) : dify;
  },
  diff: (before, after) => (isDifySource(before) && isDifySource(after) ? diffSources(before, after) : []),
  graph: (source, newer) => (isDifySource(source) ? graphOf(source, newer !== undefined && isDifySource(newer) ? newer : undefined) : undefined),
  review: (environment, source) => [...addressFindings(environment), ...datasetFindings(environment, source), ...settingFindings(environment, source)],
  shared: sharedWorkspace,
  environmentRules,
  needs: (source) => (isDifySource(source) ? needNames(source) : []),
  check: async (connection, file) => (await import('./server/connection-check.ts')).checkEnvironment(connection, file),
  previews: async (connection, scope) => (await import('./server/previews.ts')).openPreviews(connection, scope),
  connect: async (connection) => (await import('./server/target.ts')).connect(connection),
};
