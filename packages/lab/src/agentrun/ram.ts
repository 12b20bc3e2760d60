/** Statement is one statement of a policy, as RAM reads it. */
interface Statement {
  readonly allows: boolean;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

/** Policy is a policy of RAM, read. */
export type Policy = readonly Statement[];

/** longestPolicy is the most characters of a session policy. */
export const longestPolicy = 2048;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

const texts = (value: unknown): readonly string[] | undefined => {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.length > 0 && list.every((one) => typeof one === 'string' && one !== '') ? list.filter((one) => typeof one === 'string') : undefined;
};

const statementOf = (value: unknown): Statement | undefined => {
  if (!isRecord(value)) return undefined;
  const { Effect: effect, Action: action, Resource: resource, ...others } = value;
  const [actions, resources] = [texts(action), texts(resource)];
  if ((effect !== 'Allow' && effect !== 'Deny') || actions === undefined || resources === undefined || Object.keys(others).length > 0) return undefined;
  return actions.every((one) => /^(?:\*|[a-z]+:[A-Za-z*]+)$/.test(one)) ? { allows: effect === 'Allow', actions, resources } : undefined;
};

/** readPolicy reads a policy; undefined when it does not pass RAM's grammar. */
export const readPolicy = (text: string): Policy | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value) || value['Version'] !== '1' || !Array.isArray(value['Statement'])) return undefined;
    const statements = value['Statement'].map(statementOf);
    return statements.every((one) => one !== undefined) ? statements.filter((one) => one !== undefined) : undefined;
  } catch {
    return undefined;
  }
};

const fits = (pattern: string, text: string): boolean =>
  new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')}$`, 's').test(text);

/** allows says whether a policy lets an action on a resource through: something allows it and nothing denies it. */
export const allows = (policy: Policy, action: string, resource: string): boolean => {
  const about = policy.filter(({ actions, resources }) => actions.some((one) => fits(one, action)) && resources.some((one) => fits(one, resource)));
  return about.length > 0 && about.every((statement) => statement.allows);
};
