import { clause, done, durationText, endedBy, failed, type Outcome, type Preview, type Previews, type Problem, type StepContext, type StepEnding } from '@sluice/core';

/** isOlder says that a preview has not changed for so long; one that the platform knows no time of never is. */
const isOlder = (context: StepContext, { changedAt }: Preview, ageMs: number): boolean => changedAt !== undefined && context.clock.now() - changedAt > ageMs;

/** Removal is what was removed, and the first that could not be. */
interface Removal {
  readonly names: readonly string[];
  readonly problem?: Problem;
}

/** removeAll removes one after the other; one that cannot be removed keeps no other from it. */
const removeAll = async (context: StepContext, previews: Previews, wanted: readonly Preview[]): Promise<Removal> => {
  const names: string[] = [];
  const problems: Problem[] = [];
  for (const preview of wanted) {
    const gone: Outcome<void> = context.dryRun ? done(undefined) : await previews.remove(preview);
    if (gone.ok) {
      context.host.log(`${context.dryRun ? 'would remove' : 'removed'} preview ${preview.name} (${preview.application})`);
      names.push(preview.name);
    } else problems.push({ ...gone.problem, reason: `preview ${preview.name} was not removed: ${clause(gone.problem.reason)}` });
  }
  const [problem, ...others] = problems;
  return { names: [...new Set(names)], ...(problem === undefined ? {} : { problem: others.length === 0 ? problem : { ...problem, others } }) };
};

const ended = (context: StepContext, { names, problem }: Removal, nothing: string): StepEnding => {
  const outputs = { removed: names.join(',') };
  if (problem !== undefined) return endedBy(problem, { outputs });
  if (names.length === 0) return { category: 'passed', reason: nothing, outputs };
  return { category: 'passed', reason: `${context.dryRun ? 'would remove' : 'removed, and seen to be gone'}: ${names.join(', ')}`, outputs };
};

/** removeNamed removes the preview of a name, both where a race has made two; none is fine. */
export const removeNamed = async (context: StepContext, previews: Previews, name: string, ageMs?: number): Promise<StepEnding> => {
  const listed = await previews.list();
  if (!listed.ok) return endedBy(listed.problem);
  const wanted = listed.value.filter((one) => one.name === name && (ageMs === undefined || isOlder(context, one, ageMs)));
  const ending = ended(context, await removeAll(context, previews, wanted), `nothing to remove: there is no preview ${name}${ageMs === undefined ? '' : ` that is older than ${durationText(ageMs)}`}`);
  return { ...ending, outputs: { ...ending.outputs, name } };
};

/** removeOld removes the previews that have not changed for so long. */
export const removeOld = async (context: StepContext, previews: Previews, ageMs: number): Promise<StepEnding> => {
  const listed = await previews.list();
  if (!listed.ok) return endedBy(listed.problem);
  const wanted = listed.value.filter((one) => isOlder(context, one, ageMs));
  const unknown = listed.value.filter(({ changedAt }) => changedAt === undefined).length;
  if (unknown > 0) context.host.warn(`${unknown === 1 ? 'one preview stays' : `${unknown} previews stay`}: the platform does not tell when it changed last`);
  const left = listed.value.length === 0 ? 'there is none' : `${listed.value.length} there, none older than ${durationText(ageMs)}`;
  return ended(context, await removeAll(context, previews, wanted), `no preview to remove: ${left}`);
};

/** sweepPreviews removes the previews that are older than sluice.yml keeps them; for the step sweep, whose output says whether there were any. */
export const sweepPreviews = async (context: StepContext, keepMs: number): Promise<StepEnding> => {
  const previews = await context.previews();
  if (!previews.ok) return endedBy(previews.problem);
  const { outputs, ...ending } = await removeOld(context, previews.value, keepMs);
  return { ...ending, outputs: { swept: String(!context.dryRun && (outputs?.['removed'] ?? '') !== '') } };
};

/** unnamed is the problem of a run that is about no preview. */
export const unnamed = (): Outcome<never> =>
  failed({ category: 'input', reason: 'it is not said which preview is meant', tried: 'name the preview', hint: 'Name it with the input `name`, such as pr-12. On a pull request it is named after that.' });
