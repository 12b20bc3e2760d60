import { done, failed, sameSplit, type Observed, type Outcome, type Split, type Traffic } from '@sluice/core';
import { gatewaySplit, stepsSplit, type Sides } from './twin-split.ts';
import { readSides, type Twins } from './twin-versions.ts';

const inVersions = (observed: Observed, sides: Sides, where: string): Outcome<Observed> => {
  const split = stepsSplit(observed.split, sides);
  return split.ok ? done({ ...observed, split: split.value }) : failed({ ...split.problem, where });
};

/** createTwinTraffic gives the split between an app and its twin in versions, which steps know, in place of apps. */
export const createTwinTraffic = (twins: Twins): Traffic => {
  const { gateway, main } = twins;
  const where = main.address.studio;
  let last: Sides | undefined;
  const sidesNow = async (): Promise<Outcome<Sides>> => {
    const sides = await readSides(twins);
    if (sides.ok) last = sides.value;
    return sides;
  };
  /** sidesFor lets users go back to the app while the console does not answer: what was live a moment ago is enough for that. */
  const sidesFor = async (wanted: Split): Promise<Outcome<Sides>> => {
    const sides = await sidesNow();
    if (sides.ok || last === undefined || wanted.weight > 0 || wanted.stable !== last.stable) return sides;
    main.connection.log(`${sides.problem.reason}; users go back to the app by what was read before`);
    return done(last);
  };
  return {
    read: async () => {
      const [sides, observed] = await Promise.all([sidesNow(), gateway.read()]);
      if (!sides.ok) return sides;
      return observed.ok ? inVersions(observed.value, sides.value, where) : observed;
    },
    set: async (expected, wanted) => {
      const sides = await sidesFor(wanted);
      if (!sides.ok) return sides;
      const observed = await gateway.read();
      if (!observed.ok) return observed;
      const now = inVersions(observed.value, sides.value, where);
      if (!now.ok) return now;
      if (!sameSplit(now.value.split, expected)) {
        return failed({
          category: 'conflict',
          reason: 'the split is not the one that was set: somebody changed it, the app or its twin in the meantime',
          tried: 'split the traffic between the app and its twin',
          where,
          hint: `Now everybody or the rest is on ${now.value.split.stable || 'nothing'}, and ${now.value.split.weight} % on ${now.value.split.candidate ?? 'no candidate'}. Find out who published by hand, then run the release again.`,
        });
      }
      const inApps = gatewaySplit(wanted, sides.value);
      if (!inApps.ok) return failed({ ...inApps.problem, where });
      const set = await gateway.set(observed.value.split, inApps.value);
      return set.ok ? inVersions(set.value, sides.value, where) : set;
    },
  };
};
