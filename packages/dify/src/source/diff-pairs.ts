/** Pair is what is the same thing in an older and a newer list; one side is absent for what is gone or new. */
export interface Pair<T> {
  readonly older?: T;
  readonly newer?: T;
}

/** KeyOf says by what two things are the same; undefined where a thing has no such key. */
export type KeyOf<T> = (item: T) => string | undefined;

/** grouped puts the things of a list under their keys, in their order; those without a key are left out. */
export const grouped = <T>(list: readonly T[], keyOf: KeyOf<T>): ReadonlyMap<string, readonly T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of list) {
    const key = keyOf(item);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
};

/**
 * pairsOf finds for each thing of two lists its partner in the other one, by the first key that both share. Of several
 * with one key the first is paired with the first. They come in the newer order, what is gone at its old place.
 */
export const pairsOf = <T extends object>(older: readonly T[], newer: readonly T[], keys: readonly KeyOf<T>[]): readonly Pair<T>[] => {
  const partner = new Map<T, T>();
  const taken = new Set<T>();
  for (const keyOf of keys) {
    const free: KeyOf<T> = (item) => (taken.has(item) ? undefined : keyOf(item));
    const others = grouped(newer, free);
    for (const [key, group] of grouped(older, free)) {
      group.forEach((item, index) => {
        const other = others.get(key)?.[index];
        if (other === undefined) return;
        partner.set(other, item);
        taken.add(item).add(other);
      });
    }
  }
  return inOrder(older, newer, partner, taken);
};

const inOrder = <T>(older: readonly T[], newer: readonly T[], partner: ReadonlyMap<T, T>, taken: ReadonlySet<T>): readonly Pair<T>[] => {
  const places = new Map(older.map((item, index) => [item, index]));
  const found: Pair<T>[] = [];
  let next = 0;
  const goneUpTo = (place: number): void => {
    for (; next < place; next += 1) {
      const item = older[next];
      if (item !== undefined && !taken.has(item)) found.push({ older: item });
    }
  };
  for (const item of newer) {
    const old = partner.get(item);
    if (old !== undefined) goneUpTo(places.get(old) ?? 0);
    found.push(old === undefined ? { newer: item } : { older: old, newer: item });
  }
  goneUpTo(older.length);
  return found;
};

/** isMoved says whether things that are in both lists stand in another order. */
export const isMoved = <T>(older: readonly T[], pairs: readonly Pair<T>[]): boolean => {
  const places = new Map(older.map((item, index) => [item, index]));
  const kept = pairs.flatMap(({ older: item, newer }) => (item === undefined || newer === undefined ? [] : [places.get(item) ?? 0]));
  return kept.some((place, index) => index > 0 && place < (kept[index - 1] ?? 0));
};
