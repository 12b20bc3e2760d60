import { resolve } from 'node:path';
import type { Host, HostContext, PullRequest } from '@sluice/core';
import { readText, replaceFile } from './files.ts';
import { fittingReport, readReport, reportLimit, variableLimit } from './gitlab-report.ts';
import { noteWriter, tokenVariable } from './gitlab-note.ts';
import { endsOf } from './pull-request-base.ts';
import { attempt, lineHost, redactAll, type Environment, type HostParts } from './line-host.ts';
import { variableName } from './variables.ts';

const requestNumber = (text: string | undefined): number => (/^\d+$/.test(text ?? '') ? Number(text) : 0);

/** isFork is true also when either side is unknown: what cannot be told is not trusted. */
const isFork = (source: string | undefined, target: string | undefined): boolean =>
  source === undefined || source === '' || source !== target;

const mergeRequest = (environment: Environment): PullRequest | undefined => {
  const event = environment.CI_PIPELINE_SOURCE;
  if (event === 'merge_request_event' || environment.CI_MERGE_REQUEST_IID !== undefined) {
    const target = environment.CI_MERGE_REQUEST_PROJECT_PATH ?? environment.CI_PROJECT_PATH;
    return {
      number: requestNumber(environment.CI_MERGE_REQUEST_IID),
      fork: isFork(environment.CI_MERGE_REQUEST_SOURCE_PROJECT_PATH, target),
      // The head is told where GitLab has merged it into the target first (docs.gitlab.com, "Predefined CI/CD variables").
      ...endsOf({
        branch: environment.CI_MERGE_REQUEST_TARGET_BRANCH_NAME,
        commit: environment.CI_MERGE_REQUEST_DIFF_BASE_SHA,
        head: environment.CI_MERGE_REQUEST_SOURCE_BRANCH_SHA,
      }),
    };
  }
  if (event === 'external_pull_request_event' || environment.CI_EXTERNAL_PULL_REQUEST_IID !== undefined) {
    return {
      number: requestNumber(environment.CI_EXTERNAL_PULL_REQUEST_IID),
      fork: isFork(environment.CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY, environment.CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY),
      ...endsOf({
        branch: environment.CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME,
        commit: environment.CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA,
        head: environment.CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA,
      }),
    };
  }
  return undefined;
};

/** gitlabContext reads the predefined variables; merge requests and external pull requests are pull requests. */
export const gitlabContext = (environment: Environment): HostContext => {
  const pullRequest = mergeRequest(environment);
  const { CI_PROJECT_URL: address, CI_COMMIT_SHA: commit } = environment;
  return {
    commit: commit ?? '',
    branch: pullRequest === undefined ? (environment.CI_COMMIT_BRANCH ?? '') : '',
    tag: pullRequest === undefined ? (environment.CI_COMMIT_TAG ?? '') : '',
    repository: environment.CI_PROJECT_PATH ?? '',
    actor: environment.GITLAB_USER_LOGIN ?? '',
    runUrl: environment.CI_JOB_URL ?? environment.CI_PIPELINE_URL ?? '',
    runId: environment.CI_PIPELINE_ID ?? '',
    ...(environment.CI_JOB_ID === undefined ? {} : { jobId: environment.CI_JOB_ID }),
    ...(address === undefined || commit === undefined ? {} : { filesUrl: `${address}/-/blob/${commit}` }),
    event: environment.CI_PIPELINE_SOURCE ?? '',
    ...(pullRequest === undefined ? {} : { pullRequest }),
    onCi: true,
  };
};

/** ownTokens are the job's tokens, which jobs like to print. */
const ownTokens = ['CI_JOB_TOKEN', 'CI_REGISTRY_PASSWORD', 'CI_DEPLOY_PASSWORD', 'CI_DEPENDENCY_PROXY_PASSWORD'];

/** sectionMarks write the marks around what GitLab's log can collapse (docs.gitlab.com, "Custom collapsible sections"). */
const sectionMarks = ({ voice, clock }: HostParts): { readonly open: (title: string) => string; readonly close: (name: string) => void } => {
  let count = 0;
  const seconds = (): number => Math.floor(clock.now() / 1000);
  return {
    open: (title) => {
      const name = `sluice_${process.pid}_${(count += 1)}`;
      voice.command(`\u001B[0Ksection_start:${seconds()}:${name}\r\u001B[0K${voice.clean(title)}`);
      return name;
    },
    close: (name) => voice.command(`\u001B[0Ksection_end:${seconds()}:${name}\r\u001B[0K`),
  };
};

/**
 * gitlabHost writes a collapsible section for each step, with its ending below it, and a dotenv report (the file
 * SLUICE_DOTENV, else `sluice.env` in the working directory). GitLab has no command that masks: a secret is only ever
 * redacted here. It has no `identityToken` either: GitLab puts a job's tokens into variables that `id_tokens` in
 * .gitlab-ci.yml names, each for an audience that is fixed there, and gives out none on request; a platform reads such a
 * variable as it reads any secret.
 */
export const gitlabHost = (parts: HostParts): Host => {
  const { voice, environment } = parts;
  const report = resolve(parts.folder, environment.SLUICE_DOTENV ?? 'sluice.env');
  redactAll(parts, [...ownTokens, tokenVariable]);
  const context = gitlabContext(environment);
  const lines = lineHost('gitlab', context, parts);
  const { open, close } = sectionMarks(parts);
  const running: string[] = [];
  return {
    ...lines,
    ...(environment.CI_MERGE_REQUEST_IID === undefined ? {} : { comment: noteWriter({ environment, context, clock: parts.clock, redact: (text) => parts.redactor.redact(text), note: voice.line }) }),
    group: async (title, work) => {
      const name = open(title);
      try {
        return await work();
      } finally {
        close(name);
      }
    },
    stepStarted: (step) => void running.push(open(`${step} started`)),
    stepEnded: (result) => {
      const name = running.pop();
      if (name !== undefined) close(name);
      lines.stepEnded(result);
    },
    outputs: (outputs) =>
      attempt(voice, 'the dotenv report could not be written', async () => {
        const values = Object.fromEntries(Object.entries(outputs).map(([name, value]) => [variableName(name), voice.value(value)]));
        const all = { ...readReport((await readText(report)) ?? ''), ...values };
        const { text, shortened } = fittingReport(all);
        await replaceFile(report, text);
        if (shortened.length > 0) voice.line(`warning the dotenv report holds only the beginning of ${shortened.join(', ')}; GitLab takes at most ${reportLimit} bytes. The result documents hold all of it`);
        const count = Object.keys(all).length;
        if (count > variableLimit) voice.line(`warning the dotenv report has ${count} variables; a GitLab of your own takes ${variableLimit} unless its administrator allowed more, and fails the job. Give each step a job, or a file of its own with SLUICE_DOTENV`);
      }),
  };
};
