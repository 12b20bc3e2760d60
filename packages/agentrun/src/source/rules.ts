import { ruleOf, ruleFamily, type KeyPath, type Rule, type RuleText, type Severity } from '@sluice/core';

const { free, shape, secret } = ruleOf;

/** ruleTexts are all rules for s.yaml and the environments that release it, by name; an id is `agentrun/<name>` and never changes its meaning. */
export const ruleTexts = {
  yaml: shape('The file is no YAML that can be read.'),
  'not-a-mapping': shape('The file is no mapping.'),
  edition: shape('The edition is not 3.0.0.'),
  inheritance: shape('The file takes parts from other files.'),
  'no-agent': shape('No resource is an agent.'),
  'several-agents': shape('The file holds several agents.'),
  'props-missing': shape('The agent has no props.'),
  'missing-key': shape('A key is missing that the platform asks for.'),
  value: shape('A value is refused by the component or by the platform.'),
  region: shape('The region is none that the component accepts.'),
  'code-or-image': shape('An agent has both code and an image, or neither.'),
  'code-source': shape('Code comes from two places, or from none.'),
  'nas-without-vpc': shape('A NAS is mounted without a VPC.'),
  placeholder: shape('A placeholder cannot be resolved.'),
  'environment-name': shape("A placeholder names one of the pipeline's own variables."),
  code: shape('The code cannot be packed.'),
  'unknown-key': free('A key is not known and has no effect.'),
  'key-refused': free('A key is not known, and the component refuses the file.'),
  'number-as-text': free('A number or a switch is a text, which the component refuses.'),
  language: free('A language is one that the component refuses, and the component deploys.'),
  'acr-instance': free('An image of an ACR Enterprise Edition has no instance.'),
  'registry-unused': free('What is said of a registry has no effect.'),
  'image-tag': free('An image has no tag, or the tag latest.'),
  'not-applied': free('Sluice does not apply a part of the file.'),
  'other-resource': free('A resource beside the agent is not deployed.'),
  'component-version': free('The component has no version.'),
  actions: free('The file has hooks, which Sluice does not run.'),
  dotenv: free('A file .env lies beside s.yaml.'),
  'endpoint-latest': free('An endpoint targets LATEST.'),
  'endpoint-weight': free('The weight of an endpoint splits nothing.'),
  'endpoint-pinned': free('An endpoint is set back by every deployment.'),
  'endpoint-duplicate': free('Two endpoints have the same name.'),
  'secret-plain': secret('A secret stands in the file in plain text.'),
  'packed-secret': secret('The code that is deployed holds keys or passwords.'),
  'foreign-key': shape('A key of an environment belongs to Dify.'),
  'small-share': free('A step of a canary is too small for a server that counts in per cents.'),
  'preview-deploy': shape('Previews would be deployed by a program.'),
  'two-components': free('Two versions of the component are named.'),
  'nothing-to-build': free('A build is asked for where there is nothing to build.'),
  'code-size': shape('The code is too large to go with a request.'),
  'no-proof': free('Calls bring no proof where the agent asks for one.'),
  'nobody-to-evict': free('Sessions are to be ended where there are none.'),
  account: shape("The account's id is needed and not known."),
} as const satisfies Readonly<Record<string, RuleText>>;

/** RuleName is the name of a rule for s.yaml. */
export type RuleName = keyof typeof ruleTexts;

/** agentrunRules are the rules for s.yaml, as people name them. */
export const agentrunRules: readonly Rule[] = ruleFamily('agentrun', ruleTexts);

/** endsReading says whether an error of this rule leaves nothing to release; others are errors only as long as the project says so. */
export const endsReading = (id: string, severity: Severity): boolean => severity === 'error' && agentrunRules.find((rule) => rule.id === id)?.scope === 'shape';

/** propsText is a key path below `props`, as people write it. */
export const propsText = (path: KeyPath): string => path.slice(path.indexOf('props') + 1).join('.');
