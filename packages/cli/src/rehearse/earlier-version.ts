import { parse, stringify } from 'yaml';

interface Dsl {
  workflow?: { graph?: { nodes?: { data?: { desc?: string } }[] } };
  model_config?: { opening_statement?: string };
}

const mark = 'As it was before this rehearsal.';

/** earlierVersion is the application as the lab runs it before a rehearsal: the same, but for one remark that no user sees. */
export const earlierVersion = (dsl: string): string => {
  const content = parse(dsl) as Dsl;
  const first = content.workflow?.graph?.nodes?.find((node) => node.data !== undefined)?.data;
  if (first !== undefined) first.desc = `${first.desc ?? ''} ${mark}`.trim();
  if (content.model_config !== undefined) content.model_config.opening_statement = `${content.model_config.opening_statement ?? ''} ${mark}`.trim();
  return stringify(content, { lineWidth: 0 });
};
