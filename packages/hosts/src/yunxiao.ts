import type { Host, HostContext } from '@sluice/core';
import { changeRequestOf } from './change-request.ts';
import { lineHost, type Environment, type HostParts } from './line-host.ts';
import { sharedOutputs } from './outputs-file.ts';
import { inertLines } from './variables.ts';

/**
 * yunxiaoContext reads the built-in variables of Alibaba Cloud DevOps (Yunxiao) Flow (help.aliyun.com/document_detail/
 * 153688, "Environment variables"). CI_COMMIT_REF_NAME is a branch or a tag, and is not said which: it is taken as a
 * branch. A merge request has a variable of its own only where it is built from its ref; else its run is one on the source
 * branch, as a push to that branch is ("Trigger events", document_detail/153767).
 */
export const yunxiaoContext = (environment: Environment): HostContext => {
  const pullRequest = changeRequestOf(environment);
  const { PIPELINE_ID: pipeline = '', BUILD_NUMBER: build = '' } = environment;
  return {
    commit: environment.CI_COMMIT_SHA ?? '',
    branch: pullRequest === undefined ? (environment.CI_COMMIT_REF_NAME ?? '') : '',
    tag: '',
    repository: environment.CI_SOURCE_NAME ?? '',
    actor: environment.BUILD_EXECUTOR ?? '',
    runUrl: pipeline === '' || build === '' ? '' : `https://flow.aliyun.com/pipelines/${pipeline}/builds/${build}`,
    runId: pipeline === '' || build === '' ? '' : `${pipeline}/${build}`,
    event: environment.BUILD_MESSAGE ?? '',
    ...(pullRequest === undefined ? {} : { pullRequest }),
    onCi: true,
  };
};

/**
 * yunxiaoHost writes plain lines, outputs as `outputs.json` in the results folder, and where FLOW_ENV names a file, for the
 * later steps of the job as `NAME=value` lines there. The public pages do not say who reads that file: only values that
 * come out the same whether a parser or a shell does are written. It has no tokens of its own, and its log has no groups.
 */
export const yunxiaoHost = (parts: HostParts): Host => {
  const { environment } = parts;
  return {
    ...lineHost('yunxiao', yunxiaoContext(environment), parts),
    ...sharedOutputs(parts, environment.FLOW_ENV, inertLines),
  };
};
