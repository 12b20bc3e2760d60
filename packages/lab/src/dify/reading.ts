/** Fields is an object of unknown content, as JSON and YAML give it. */
export type Fields = Readonly<Record<string, unknown>>;

/** isFields says whether a value is an object and no list. */
export const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** fields gives the value when it is an object, else an empty one. */
export const fields = (value: unknown): Fields => (isFields(value) ? value : {});

/** items gives the value when it is a list, else an empty one. */
export const items = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** text gives the value when it is a string, else ''. */
export const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** texts gives the strings of a list, else none: selectors are such lists. */
export const texts = (value: unknown): readonly string[] =>
  items(value).filter((item): item is string => typeof item === 'string');

/** isUuid says whether a text is a UUID in its usual form. */
export const isUuid = (value: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
