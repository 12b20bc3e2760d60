import { done, failed, type CommentSection, type Outcome } from '@sluice/core';
import { commentText, isComment, merged, sectionsOf, type Section } from './comment.ts';

/** Written is a comment as a CI system gives it. */
export interface Written {
  readonly id: number;
  readonly body: string;
  /** author tells comments of one writer from those of others; empty when unknown. */
  readonly author: string;
}

/** CommentPort is what one pull request's comments are reached by. `update` and `remove` say whether the comment was still there. */
export interface CommentPort {
  /** list gives the comments that this job may write, from the oldest. */
  list(): Promise<Outcome<readonly Written[]>>;
  create(body: string): Promise<Outcome<void>>;
  update(id: number, body: string): Promise<Outcome<boolean>>;
  remove(id: number): Promise<Outcome<boolean>>;
}

/** mostRounds is how often a comment is read again that others write at the same time. */
const mostRounds = 5;

const has = (sections: readonly Section[], name: string, wanted: readonly Section[]): boolean => {
  const markdownOf = (list: readonly Section[]): string | undefined => list.find((section) => section.name === name)?.markdown;
  return markdownOf(sections) === markdownOf(wanted);
};

/**
 * keepComment puts a section into the one comment with its marker, and reads it back: another job may have written at the same
 * time. Of several comments that were made at once the oldest stays, with the sections of all, and the others go.
 */
export const keepComment = async (port: CommentPort, { marker, section: name, markdown }: CommentSection, limit: number): Promise<Outcome<void>> => {
  const own: Section = { name, markdown };
  for (let round = 0; round < mostRounds; round += 1) {
    const listed = await port.list();
    if (!listed.ok) return listed;
    const ours = listed.value.filter(({ body }) => isComment(body, marker)).toSorted((one, other) => one.id - other.id);
    const [kept] = ours;
    const twins = ours.slice(1).filter(({ author }) => author === kept?.author);
    const text = commentText(marker, merged(merged(sectionsOf(kept?.body ?? ''), twins.flatMap(({ body }) => sectionsOf(body))), [own]), limit);
    if (kept === undefined) {
      const created = await port.create(text);
      if (!created.ok) return created;
      continue;
    }
    if (twins.length === 0 && has(sectionsOf(kept.body), name, sectionsOf(text))) return done(undefined);
    const updated = await port.update(kept.id, text);
    if (!updated.ok) return updated;
    for (const { id } of updated.value ? twins : []) {
      const removed = await port.remove(id);
      if (!removed.ok) return removed;
    }
  }
  return failed({ category: 'conflict', reason: 'the comment did not hold what was written: others write it at the same time', tried: 'comment on the pull request' });
};
