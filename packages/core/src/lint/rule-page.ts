/** pages are where docs/rules can be read; ids never change their meaning, so they are the newest ones. */
const pages = 'https://github.com/OWNER/sluice/blob/main/docs/rules';

/** families are those whose every rule has a page. */
const families = new Set(['dify', 'agentrun', 'pipeline', 'config', 'environment']);

/** rulePage is the address of a rule's page; undefined for what is no rule of a linter. */
export const rulePage = (rule: string): string | undefined => {
  const [, family = '', name] = /^([a-z]+)\/([a-z][a-z0-9-]*)$/.exec(rule) ?? [];
  return name === undefined || !families.has(family) ? undefined : `${pages}/${family}/${name}.md`;
};
