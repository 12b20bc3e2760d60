import type { StepResult } from '@sluice/core';
import { chatflow } from '../packages/lab/test/dify-apps.ts';
import type { Ran, RunOptions, Setting, Stage } from './lab-stage.ts';

/** saying is an app whose answers begin with a word. */
export const saying = (word: string): string => chatflow('回答', `${word} {{#llm.text#}}`);

/** difySetting is an environment of a Dify app, without a canary. */
export const difySetting = (stage: Stage, app: string, more: Readonly<Record<string, unknown>> = {}, rest: Omit<Setting, 'environment'> = {}): Setting => ({
  environment: { dify: { console: stage.lab.dify.origin, ...(app === '' ? {} : { app }) }, canary: false, ...more },
  ...rest,
});

/** gateway is what an environment behind a gateway has beside the app. */
export const gateway = (stage: Stage): Readonly<Record<string, unknown>> => ({
  gateway: { address: `${stage.lab.gateway.origin}/v1`, nginx: { include: stage.lab.gateway.includeFile } },
  canary: { steps: ['25%', '50%'], every: '2m', minimum: 5, watch: ['errors'] },
});

const agentYaml = `edition: 3.0.0
name: orders
vars:
  region: cn-hangzhou
resources:
  agent:
    component: agentrun@1.0.12
    props:
      region: \${vars.region}
      agent:
        name: order-agent
        cpu: 1
        memory: 2048
        port: 9000
        code: { src: ./code, language: nodejs20, command: [node, index.js] }
`;

/** agentSetting is an environment of an agent on AgentRun. */
export const agentSetting = (stage: Stage): Setting => ({
  source: 's.yaml',
  environment: {
    agentrun: { endpoint: 'production', control: stage.lab.agentrun.control, data: stage.lab.agentrun.data },
    canary: { steps: ['25%', '50%'], every: '2m', minimum: 5, watch: ['errors'] },
  },
});

/** writeAgent writes the agent's s.yaml and its code. */
export const writeAgent = async (stage: Stage, code: string): Promise<void> => {
  await stage.write('s.yaml', agentYaml);
  await stage.write('code/index.js', `// ${code}\n`);
};

/** stepOf is the newest result of a step in a release. */
export const stepOf = (result: StepResult, step: string): StepResult | undefined => result.steps?.findLast((one) => one.step === step);

/** released releases an app of this word in a job of its own and gives the new version's id. */
export const released = async (stage: Stage, setting: Setting, word: string, options: RunOptions = {}): Promise<string> => {
  await stage.write('app.yml', saying(word));
  stage.newResults();
  const { result } = await stage.run('release', setting, {}, options);
  if (result.status !== 'passed') throw new Error(`the release did not pass: ${result.reason}`);
  return result.outputs['version'] ?? '';
};

const asks = /\/chat-messages$|\/runs?$|\/completions$|\/login$/;

/** written are the requests that change something. */
export const written = ({ sent }: Ran): readonly string[] => sent.filter((one) => !asks.test(one));
