import type { EnvironmentConfig, SettingFinding, Source } from '@sluice/core';
import { inlineFault } from './code.ts';
import { accountProblem, belongsToDify } from './overlay.ts';
import type { RuleName } from './rules.ts';
import { AgentRunSource } from './source.ts';

type Settings = NonNullable<EnvironmentConfig['agentrun']>;

/** throughCli is why previews are not deployed by the Serverless Devs CLI. */
export const throughCli = 'deploy: s runs programs that sluice.yml names, and for a pull request none are run.';

const sentence = (reason: string): string => `${reason[0]?.toUpperCase() ?? ''}${reason.slice(1)}${reason.endsWith('.') ? '' : '.'}`;

const finding = (rule: RuleName, path: readonly string[], message: string, hint?: string, severity: SettingFinding['severity'] = 'error'): SettingFinding => ({
  ...{ rule: `agentrun/${rule}`, severity, message, path },
  ...(hint === undefined ? {} : { hint }),
});

/** foreignFindings refuse what belongs to Dify. */
const foreignFindings = (environment: EnvironmentConfig): readonly SettingFinding[] => [
  ...belongsToDify.filter((key) => environment[key] !== undefined).map((key) => finding('foreign-key', [key], `${key} belongs to Dify and has no meaning for an agent.`, 'Take it out.')),
  ...(environment['live-at-once'] ? [finding('foreign-key', ['live-at-once'], 'live-at-once belongs to Dify: what is deployed to AgentRun serves nobody before it is routed.', 'Take it out.')] : []),
];

/** planFindings refuse a share that a server of the other scale would take for everybody. */
const planFindings = ({ canary }: EnvironmentConfig, { weights }: Settings): readonly SettingFinding[] => {
  const steps = typeof canary === 'object' ? (canary.steps ?? []) : [];
  if (weights !== 'percent' || steps.every((step) => step > 1 && (step < 99 || step === 100))) return [];
  return [finding('small-share', ['canary'], 'With `weights: percent` a step of a canary is above 1 % and below 99 %: a server that counts in shares would take 1 for everybody.', 'Begin at 2%.')];
};

/** previewFindings refuse what would run a program of sluice.yml for a pull request. */
const previewFindings = ({ preview }: EnvironmentConfig, { deploy }: Settings): readonly SettingFinding[] =>
  preview !== undefined && deploy === 's' ? [finding('preview-deploy', ['agentrun', 'deploy'], throughCli, 'Take deploy out: the API sends the code, object or image of s.yaml.')] : [];

/** deployFindings are about how the code gets there. */
const deployFindings = ({ deploy, build, component }: Settings, { parts }: AgentRunSource): readonly SettingFinding[] => {
  const src = parts.agent.code?.src;
  const fault = deploy === 's' ? undefined : inlineFault(parts.archive, src ?? '');
  return [
    ...(component !== undefined && parts.component !== undefined && component !== parts.component
      ? [finding('two-components', ['agentrun', 'component'], `${parts.path} pins agentrun@${parts.component}, so component ${component} is never used.`, 'Name the version in one place.')]
      : []),
    ...(deploy === 's' && parts.agent.code?.language === 'custom'
      ? [finding('language', ['agentrun', 'deploy'], `${parts.path} names the language custom, which the component refuses, and deploy is s.`, 'Take deploy out, or put the program into an image.')]
      : []),
    ...(build === 'reuse' && src === undefined
      ? [finding('nothing-to-build', ['agentrun', 'build'], `build is reuse, and ${parts.path} names ${parts.agent.code === undefined ? 'an image' : 'an object in OSS'}, which nobody builds here.`, 'Take build out.')]
      : []),
    ...(fault === undefined ? [] : [finding('code-size', ['agentrun'], sentence(fault.reason), fault.hint)]),
  ];
};

/** sessionFindings are about callers and their sessions. */
const sessionFindings = ({ auth, evict }: Settings, { parts: { agent, path } }: AgentRunSource): readonly SettingFinding[] => [
  ...(auth === 'none' && agent.credentialName !== undefined
    ? [finding('no-proof', ['agentrun', 'auth'], `auth is none, and ${path} names credentialName: AgentRun refuses calls without that credential.`, 'Write `auth: key` and give the step AGENTRUN_API_KEY, or take credentialName out of s.yaml.')]
    : []),
  ...(evict === true && agent.disableSessionAffinity === true
    ? [finding('nobody-to-evict', ['agentrun', 'evict'], `evict has nobody to end: ${path} turns session affinity off, so no session stays on a version.`, 'Take evict out.', 'warning')]
    : []),
];

/** reviewEnvironment finds settings of an environment that cannot be meant, by themselves or beside its s.yaml. */
export const reviewEnvironment = (environment: EnvironmentConfig, source?: Source): readonly SettingFinding[] => {
  const { agentrun } = environment;
  if (agentrun === undefined) return [];
  const alone = [...foreignFindings(environment), ...planFindings(environment, agentrun), ...previewFindings(environment, agentrun)];
  if (!(source instanceof AgentRunSource)) return alone;
  const unknownAccount = accountProblem(source.parts.agent, agentrun.account, source.path);
  return [
    ...alone,
    ...deployFindings(agentrun, source),
    ...sessionFindings(agentrun, source),
    ...(unknownAccount === undefined ? [] : [finding('account', ['agentrun'], unknownAccount.reason, unknownAccount.hint)]),
  ];
};
