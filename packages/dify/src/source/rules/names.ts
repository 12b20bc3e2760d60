import type { Rule } from '@sluice/core';

type RuleText = Omit<Rule, 'id'>;

const free = (summary: string): RuleText => ({ summary, scope: 'free' });
const shape = (summary: string): RuleText => ({ summary, scope: 'shape' });
const secret = (summary: string): RuleText => ({ summary, scope: 'secret' });

/** ruleTexts are all rules of the DSL linter by name; an id is `dify/<name>` and never changes its meaning. */
export const ruleTexts = {
  yaml: shape('The file is no YAML that can be read.'),
  'not-a-mapping': shape('The file is no mapping.'),
  'app-missing': shape('There is no app section.'),
  'mode-missing': shape('app.mode is missing.'),
  'mode-unknown': shape('app.mode is no mode that can be released.'),
  kind: shape('kind is not app.'),
  'workflow-missing': shape('A workflow or chatflow has no workflow section.'),
  'graph-missing': shape('The workflow has no graph.'),
  'model-config-missing': shape('A chat, agent or completion app has no model_config.'),
  'version-not-text': free('version is not a text.'),
  'version-unreadable': free('version is no version.'),
  'version-newer': free('The DSL is newer than the newest known one.'),
  'variable-incomplete': free('A variable lacks what the server asks for.'),
  'variable-duplicate': free('Two variables have the same name.'),
  'nodes-missing': free('The graph has no nodes.'),
  'node-id-missing': free('A node has no id.'),
  'node-id-duplicate': free('Two nodes have the same id.'),
  'node-type-missing': free('A node has no type.'),
  'node-type-unknown': free('A node has a type that no known Dify has.'),
  'node-incomplete': free('A node lacks a field that Dify asks of it, or has it in another form.'),
  'end-in-chatflow': free('A chatflow has an end node.'),
  'answer-in-workflow': free('A workflow has an answer node.'),
  'trigger-in-chatflow': free('A chatflow has a trigger.'),
  'start-missing': free('The graph has no start.'),
  'start-several': free('The graph has several starts.'),
  'start-and-trigger': free('The graph has a start node and a trigger.'),
  'answer-unreachable': free('No answer node can be reached.'),
  'end-unreachable': free('No end node can be reached.'),
  'node-unreachable': free('A node can never run.'),
  cycle: free('Edges run in a circle.'),
  'edge-endpoint-missing': free('An edge begins or ends at a node that is not there.'),
  'edge-crosses-container': free('An edge crosses the border of an iteration or loop.'),
  'branch-handle-unknown': free('An edge leaves by a branch that its node does not have.'),
  'branch-unwired': free('A branch of a node leads nowhere.'),
  'container-start-missing': free('An iteration or loop has no node to begin with.'),
  'container-start-ordinary': free('An iteration or loop begins with an ordinary node.'),
  'container-missing': free('A node lies in an iteration or loop that is not there.'),
  'reference-missing': free('A reference names a node that is not there.'),
  'reference-output': free('A reference names an output that its node does not have.'),
  'reference-not-upstream': free('A reference names a node that does not run before.'),
  'reference-into-container': free('A reference names a node inside of another iteration or loop.'),
  'reference-special': free('A reference names a sys, env or conversation variable that is not there.'),
  'reference-never-replaced': free('A reference is written so that Dify never replaces it.'),
  'dialogue-count-from-one': free('A condition waits for turn 0 of a conversation.'),
  'code-main-missing': free('A code node has no function main.'),
  'code-arguments': free('The arguments of main are not the variables of the code node.'),
  'code-outputs-missing': free('A code node declares no outputs.'),
  'code-language-unknown': free('A code node is in a language that the sandbox does not run.'),
  'code-javascript': free('JavaScript that cannot be parsed.'),
  'code-python': free('Python that cannot be parsed.'),
  'code-import': free('Code imports what the sandbox does not have.'),
  'model-missing': free('A node names no model.'),
  'model-not-allowed': free('A model is not on the list of allowed models.'),
  'plugin-unpinned': free('A plugin dependency is not pinned to its content.'),
  'tool-credential': free('A tool names a credential of one workspace.'),
  'dataset-unmapped': free('A knowledge base has no partner in the environment.'),
  'setting-unfitting': shape('An environment sets what the app does not have.'),
  address: shape('The address of the app in sluice.yml is none.'),
  'no-app': free('An environment names no app yet.'),
  'secret-value': secret('A secret variable has its value in the file.'),
  'secret-plain': secret('A secret stands in the file in plain text.'),
} as const satisfies Readonly<Record<string, RuleText>>;

/** RuleName is the name of a rule of the DSL linter. */
export type RuleName = keyof typeof ruleTexts;

/** difyRules are the rules of the DSL linter, as people name them. */
export const difyRules: readonly Rule[] = Object.entries(ruleTexts).map(([name, text]) => ({ id: `dify/${name}`, ...text }));
