/** Mapping is a YAML or JSON object whose values have not been looked at yet. */
export type Mapping = Readonly<Record<string, unknown>>;

/** isMapping says whether a value is an object and not a list. */
export const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** mappingOf gives the value when it is an object, else an empty one. */
export const mappingOf = (value: unknown): Mapping => (isMapping(value) ? value : {});

/** fieldOf is what an object itself has under a key that a file may choose; `constructor` is no exception. */
export const fieldOf = (mapping: Mapping, key: string): unknown => (Object.hasOwn(mapping, key) ? mapping[key] : undefined);

/** listOf gives the value when it is a list, else an empty one. */
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** textOf gives texts and numbers as text, everything else as an empty text. */
export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';

/** mapMappings rebuilds a tree with every object passed through `change`, innermost first. */
export const mapMappings = (value: unknown, change: (mapping: Mapping) => Mapping): unknown => {
  if (Array.isArray(value)) return value.map((item) => mapMappings(item, change));
  if (!isMapping(value)) return value;
  return change(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapMappings(item, change)])));
};
