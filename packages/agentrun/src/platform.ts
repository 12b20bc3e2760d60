import { exposureOf } from './server/exposure.ts';
import type { Platform } from '@sluice/core';
import { agentrunSecrets, agentrunSettings } from './credentials/names.ts';
import { ownHost } from './credentials/own-host.ts';
import { connect } from './server/connect.ts';
import { diff } from './source/diff.ts';
import { overlay } from './source/overlay.ts';
import { parse } from './source/parse.ts';
import { reviewEnvironment } from './source/review.ts';
import { sharedEndpoint } from './source/shared.ts';

/** agentrunPlatform releases agents to Alibaba Cloud AgentRun from the s.yaml that Serverless Devs uses. */
export const agentrunPlatform: Platform = {
  name: 'agentrun',
  secrets: agentrunSecrets,
  settings: agentrunSettings,
  exposures: [exposureOf('production')],
  parse,
  overlay,
  diff,
  ownHost,
  review: reviewEnvironment,
  shared: sharedEndpoint,
  check: async (connection) => (await import('./server/connection-check.ts')).checkConnection(connection),
  previews: async (connection, scope) => (await import('./server/previews.ts')).openPreviews(connection, scope),
  connect,
};
