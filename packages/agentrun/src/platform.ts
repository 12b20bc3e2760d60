import { exposureOf } from './server/exposure.ts';
import type { Platform } from '@sluice/core';
import { agentrunSecrets, agentrunSettings } from './credentials/names.ts';
import { ownHost } from './credentials/own-host.ts';
import { connect } from './server/connect.ts';
import { diff } from './source/diff.ts';
import { needsOf } from './source/needs.ts';
import { overlay } from './source/overlay.ts';
import { parse } from './source/parse.ts';
import { reviewEnvironment } from './source/review.ts';
import { agentrunRules } from './source/rules.ts';
import { sharedEndpoint } from './source/shared.ts';
import { AgentRunSource } from './source/source.ts';

/** agentrunPlatform releases agents to Alibaba Cloud AgentRun from the s.yaml that Serverless Devs uses. */
export const agentrunPlatform: Platform = {
  name: 'agentrun',
  secrets: agentrunSecrets,
  settings: agentrunSettings,
  exposures: [exposureOf('production')],
  rules: agentrunRules,
  parse,
  overlay,
  diff,
  ownHost,
  review: reviewEnvironment,
  shared: sharedEndpoint,
  needs: (source) => (source instanceof AgentRunSource ? needsOf(source.parts.agent).map(({ name }) => name) : []),
  check: async (connection) => (await import('./server/connection-check.ts')).checkEnvironment(connection),
  previews: async (connection, scope) => (await import('./server/previews.ts')).openPreviews(connection, scope),
  connect,
};
