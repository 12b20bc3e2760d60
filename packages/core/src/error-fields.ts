/**
 * errorField is a text field of a thrown value, such as `code` or `name`; undefined when it has none. It asks no
 * `instanceof`: errors of Node itself come from another realm where code runs in one of its own.
 */
export const errorField = (error: unknown, field: 'code' | 'name' | 'syscall' | 'message' | 'stack'): string | undefined => {
  if (typeof error !== 'object' || error === null || !(field in error)) return undefined;
  const value: unknown = Reflect.get(error, field);
  return typeof value === 'string' ? value : undefined;
};
