/** Surroundings is the part of `process` through which errors come that no call gives back. */
type Surroundings = Pick<NodeJS.Process, 'on' | 'off' | 'stdout' | 'stderr'>;

/** Strays are errors that no caller could catch. */
export interface Strays {
  /** thrown rejects with the first one; it never resolves. */
  readonly thrown: Promise<never>;
  /** uninstall gives such errors their usual effect back: Node ends with code 1. */
  uninstall(): void;
}

/**
 * catchStrays catches what is thrown in a callback and rejections that nobody handles. A log that nobody reads any more
 * (`| head`) or a full disk behind it is no such error: the step goes on, so that traffic is not left half moved.
 */
export const catchStrays = (surroundings: Surroundings): Strays => {
  let reject: (error: unknown) => void = () => undefined;
  const thrown = new Promise<never>((_resolve, rejectThrown) => {
    reject = rejectThrown;
  });
  // A second one finds the promise settled; one that comes when the race is over has no other listener.
  thrown.catch(() => undefined);
  const listener = (error: unknown): void => reject(error);
  surroundings.on('uncaughtException', listener);
  // These stay: a stream tells of a failed write after the last line as well.
  for (const stream of [surroundings.stdout, surroundings.stderr]) stream.on('error', () => undefined);
  return { thrown, uninstall: () => surroundings.off('uncaughtException', listener) };
};
