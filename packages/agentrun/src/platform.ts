import { exposureOf } from './server/exposure.ts';
import type { Platform } from '@sluice/core';
import { connect } from './server/connect.ts';
import { agentrunSecrets } from './server/credentials.ts';
import { diff } from './source/diff.ts';
import { overlay } from './source/overlay.ts';
import { parse } from './source/parse.ts';

/** agentrunPlatform releases agents to Alibaba Cloud AgentRun from the s.yaml that Serverless Devs uses. */
export const agentrunPlatform: Platform = { name: 'agentrun', secrets: agentrunSecrets, exposures: [exposureOf('production')], parse, overlay, diff, connect };
