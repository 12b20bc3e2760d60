const field = (error: unknown, name: 'message' | 'code'): string => {
  if (typeof error !== 'object' || error === null || !(name in error)) return '';
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : '';
};

/** errorCode is the system's code of a thrown error, such as `ENOENT`, or empty. */
export const errorCode = (error: unknown): string => field(error, 'code');

/** errorMessage is what a thrown error says. */
export const errorMessage = (error: unknown): string => field(error, 'message') || String(error);
