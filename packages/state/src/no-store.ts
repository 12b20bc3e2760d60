import { done, failed, type Outcome, type StateStore } from '@sluice/core';

/** noStore is the store of runs that keep no state: it remembers nothing, and `prove` and `write` fail with the reason. */
export const noStore = (reason: string): StateStore => {
  const refusal = (tried: string): Outcome<never> =>
    failed({
      category: 'permission',
      reason: `nothing can be recorded: ${reason}`,
      tried,
      hint: 'Point SLUICE_STATE at a folder that this job can write and that is kept between runs.',
    });
  return {
    where: `no store (${reason})`,
    prove: () => Promise.resolve(refusal('prove that records can be written')),
    read: () => Promise.resolve(done(undefined)),
    write: () => Promise.resolve(refusal('write a record')),
  };
};
