type Schema = Readonly<Record<string, unknown>>;

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value);

const branches = (schema: Schema): readonly Schema[] => [
  schema,
  ...(Array.isArray(schema['anyOf']) ? schema['anyOf'].filter(isSchema).flatMap(branches) : []),
];

const below = (schema: Schema, part: string | number): readonly Schema[] =>
  branches(schema).flatMap((branch) => {
    if (typeof part === 'number') return isSchema(branch['items']) ? [branch['items']] : [];
    const named = isSchema(branch['properties']) ? branch['properties'][part] : undefined;
    return [named ?? branch['additionalProperties']].filter(isSchema);
  });

/** knownKeys are the keys that a JSON Schema allows in the mapping at a path. */
export const knownKeys = (schema: Schema, path: readonly (string | number)[]): readonly string[] => {
  let level: readonly Schema[] = [schema];
  for (const part of path) level = level.flatMap((one) => below(one, part));
  return level.flatMap(branches).flatMap((branch) => (isSchema(branch['properties']) ? Object.keys(branch['properties']) : []));
};
