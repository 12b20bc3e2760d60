import type { Finding } from '@sluice/core';
import type { ToolNeed, Use } from '../../source/needs.ts';
import { toolsOf, type ToolList } from '../catalogue.ts';
import { grouped, instead, joinedAnswers, lacking, listed, usersOf, type Answer, type Asking } from './asking.ts';
import { toolProvider } from './provider-id.ts';

type Group = readonly [what: ToolNeed, uses: readonly Use<ToolNeed>[]];

/** lists are the server's lists of tools, by what a file calls a tool; tools of plugins are in that of the built-in ones. */
const lists: ReadonlyMap<string, string> = new Map(Object.entries({ builtin: 'builtin', plugin: 'builtin', api: 'api', workflow: 'workflow', mcp: 'mcp' }));

const matchesOf = ({ id, type }: ToolNeed, all: readonly ToolList[], named: boolean): readonly ToolList[] => {
  if (lists.get(type) === 'builtin') return all.filter((one) => toolProvider(one.id) === toolProvider(id));
  const byId = all.filter((one) => one.id === id);
  return byId.length > 0 || !named ? byId : all.filter((one) => one.name === id);
};

const judge = (asking: Asking, [what, uses]: Group, all: readonly ToolList[]): readonly Finding[] => {
  const named = Object.values(asking.application.connection.environment.tools ?? {}).includes(what.id);
  const matches = matchesOf(what, all, named);
  const [provider, ...others] = matches;
  const who = usersOf(uses);
  const title = what.name === '' || what.name === what.id ? `"${what.id}"` : `"${what.name}" (${what.id})`;
  if (provider === undefined) {
    const own = lists.get(what.type) === 'builtin' ? 'Install its plugin.' : `Make it in the workspace, or map it in the environment: tools: { ${JSON.stringify(what.name || what.id)}: <name or id> }.`;
    const there = all.map((one) => (lists.get(what.type) === 'builtin' ? one.id : one.name));
    return [lacking(asking, 'tool-missing', uses, `This workspace has no ${what.type} tool ${title}, which ${who} needs.`, `${instead(named || what.name === '' ? what.id : what.name, there)} ${own}`)];
  }
  if (others.length > 0) {
    return [lacking(asking, 'name-ambiguous', uses, `This workspace has ${matches.length} ${what.type} tools "${what.id}", and ${who} needs one.`, `Name it by its id under tools in sluice.yml: ${matches.map(({ id }) => id).join(', ')}.`)];
  }
  // A workflow is its only tool, whatever the file calls it (Dify 1.12.1, WorkflowToolProviderController.get_tools).
  if (what.type !== 'workflow' && !provider.tools.includes(what.tool)) {
    return [lacking(asking, 'tool-missing', uses, `The ${what.type} tool ${title} of this workspace has no "${what.tool}", which ${who} needs.`, `${instead(what.tool, provider.tools)} Bring the tool of this workspace to the state of the one that the app was made with.`)];
  }
  if (lists.get(what.type) === 'builtin' && !provider.authorized) {
    return [lacking(asking, 'tool-unauthorized', uses, `The tool ${title} has no credentials in this workspace, and ${who} needs it.`, 'Authorize the tool in the workspace, under its tools.')];
  }
  return [];
};

const askList = (asking: Asking, list: string): Promise<Answer> => {
  const groups = grouped(asking.needs.tools.filter(({ what }) => lists.get(what.type) === list), ({ type, id, tool }) => `${type} ${id} ${tool}`);
  return listed(asking, `${list} tools`, toolsOf(asking.application, list), (all) => ({
    seen: `${groups.length} of the ${list} ones looked for`,
    findings: groups.flatMap((group) => judge(asking, group, all)),
  }));
};

/** askTools looks for every tool of an app: one request for each list of tools. */
export const askTools = async (asking: Asking): Promise<Answer> => {
  const wanted = [...new Set(asking.needs.tools.map(({ what }) => lists.get(what.type)))];
  const known = wanted.filter((list) => list !== undefined);
  const strange = grouped(asking.needs.tools.filter(({ what }) => lists.get(what.type) === undefined), ({ type }) => type).map(([{ type }]) => type);
  const answers = await Promise.all(known.map((list) => askList(asking, list)));
  return joinedAnswers([...answers, ...strange.map((type) => ({ skipped: `no server has a list of tools of the type "${type}"`, findings: [] }))]);
};
