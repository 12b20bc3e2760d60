import { done, failed, type EnvironmentConfig, type Json, type Outcome, type Problem, type SecretReader, type Source, placeText } from '@sluice/core';
import { checkAgent, checkRegion, reportAt } from './findings.ts';
import { isJsonRecord, type JsonRecord } from './json.ts';
import { keepAll, namesAccount, resolvePlaceholders } from './placeholders.ts';
import { endpointName, type Agent } from './schema.ts';
import { AgentRunSource } from './source.ts';

const input = (reason: string, where: string, hint?: string): Problem => ({ category: 'input', reason, where, ...(hint === undefined ? {} : { hint }) });

/** together gives one problem that carries the others. */
const together = ([first, ...others]: readonly Problem[]): Problem | undefined =>
  first === undefined ? undefined : others.length === 0 ? first : { ...first, others: [...(first.others ?? []), ...others] };

/** belongsToDify are keys of an environment that mean nothing to an agent. */
export const belongsToDify = ['datasets', 'models', 'tools', 'triggers', 'gateway'] as const;

const readVariables = (environment: EnvironmentConfig, secrets: SecretReader, problems: Problem[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(environment.variables ?? {}).flatMap(([name, value]): [string, string][] => {
      if (typeof value !== 'object') return [[name, String(value)]];
      const secret = secrets.read(value.env, `the agent's environment variable ${name}`);
      if (secret.ok) return [[name, secret.value]];
      problems.push(secret.problem);
      return [];
    }),
  );

/** fill reads the environment variables that the source itself names. */
const fill = (props: JsonRecord, account: string | undefined, secrets: SecretReader, path: string, problems: Problem[]): Json => {
  const values = new Map<string, string>();
  const missing = new Map<string, Problem>();
  for (const { name, initial } of resolvePlaceholders(props, {}, keepAll).environment) {
    const found = secrets.find(name);
    if (found !== undefined) values.set(name, found);
    if (found !== undefined || initial !== undefined) continue;
    const secret = secrets.read(name, `the placeholder \${env(${name})} in ${path}`);
    if (secret.ok) values.set(name, secret.value);
    else missing.set(name, secret.problem);
  }
  problems.push(...missing.values());
  return resolvePlaceholders(props, {}, (name, initial) => values.get(name) ?? initial, account === undefined ? {} : { account }).value;
};

/** accountProblem is what s.yaml cannot say without the account's id. */
export const accountProblem = (agent: Agent, account: string | undefined, path: string): Problem | undefined => {
  if (account !== undefined) return undefined;
  const hint = "Add agentrun.account, the account's id in quotes, to the environment in sluice.yml.";
  if (namesAccount(JSON.stringify(agent))) return input('${config("AccountID")} needs the account, which is not known.', path, hint);
  if (agent.role !== undefined && !agent.role.startsWith('acs:')) return input(`The role "${agent.role}" is a bare name, and the account is not known.`, path, hint);
  return agent.logConfig === 'auto' ? input('logConfig: auto needs the account, which is not known.', path, hint) : undefined;
};

/** overlay puts the environment's variables and secrets into an agent, in memory, and checks it again with them. */
export const overlay = (source: Source, environment: EnvironmentConfig, secrets: SecretReader): Outcome<Source> => {
  if (!(source instanceof AgentRunSource) || environment.agentrun === undefined) {
    return failed(input('the source or the environment does not belong to AgentRun', source.path, 'An s.yaml needs an environment with agentrun in sluice.yml.'));
  }
  const { parts } = source;
  const problems = belongsToDify
    .filter((key) => environment[key] !== undefined)
    .map((key) => input(`"${key}" belongs to Dify and has no meaning for an agent`, source.path, `Take ${key} out of the environment in sluice.yml.`));
  const { endpoint } = environment.agentrun;
  if (endpoint !== undefined && !endpointName.test(endpoint)) {
    problems.push(input(`"${endpoint}" cannot be the name of an endpoint`, 'sluice.yml: agentrun.endpoint', 'It begins with a letter and has letters, digits, _ and - only, at most 64.'));
  }
  const variables = readVariables(environment, secrets, problems);
  const { account } = environment.agentrun;
  const filled = fill(parts.props, account, secrets, source.path, problems);
  const props: JsonRecord = isJsonRecord(filled) ? filled : {};
  const given: JsonRecord = isJsonRecord(props['agent']) ? props['agent'] : {};
  const own: JsonRecord = isJsonRecord(given['environmentVariables']) ? given['environmentVariables'] : {};
  const merged = { ...own, ...variables };
  const raw = Object.keys(merged).length === 0 ? given : { ...given, environmentVariables: merged };

  const report = reportAt(parts.placeOf);
  const { agent, findings } = checkAgent(raw, [...parts.propsPath, 'agent'], report);
  const region = props['region'];
  for (const finding of [...checkRegion(region, [...parts.propsPath, 'region'], report), ...findings]) {
    problems.push(input(finding.message, placeText(finding.place), finding.hint));
  }
  const unknownAccount = agent === undefined ? undefined : accountProblem(agent, account, source.path);
  if (unknownAccount !== undefined) problems.push(unknownAccount);
  const problem = together(problems);
  if (problem !== undefined) return failed(problem);
  if (agent === undefined || typeof region !== 'string') return failed(input('the agent cannot be read', source.path));
  return done(new AgentRunSource({ ...parts, agent, region, ...(account === undefined ? {} : { account }) }));
};
