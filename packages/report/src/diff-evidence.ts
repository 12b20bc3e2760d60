import type { StepResult } from '@sluice/core';
import * as z from 'zod/mini';

const amount = z.number().check(z.gte(0));

const part = z.object({ kind: z.enum(['kept', 'added', 'removed']), text: z.string() });

const change = z.object({
  kind: z.enum(['added', 'removed', 'changed']),
  about: z.enum(['application', 'node', 'edge', 'prompt', 'model', 'variable', 'setting']),
  subject: z.string(),
  /** lines are the texts on both sides, line by line, each as the stretches that it is made of; empty where nothing is shown. */
  lines: z.array(z.array(part)),
});

const node = z.object({ id: z.string(), name: z.string(), kind: z.string(), inside: z.optional(z.string()), fate: z.enum(['added', 'removed', 'changed', 'kept']) });

const edge = z.object({ from: z.string(), to: z.string(), label: z.optional(z.string()), fate: z.enum(['added', 'removed', 'kept']) });

const side = z.object({ name: z.string(), commit: z.optional(z.string()), why: z.optional(z.string()) });

const application = z.object({
  path: z.string(),
  /** before is the path of the older side, where it is another. */
  before: z.optional(z.string()),
  fate: z.enum(['added', 'removed', 'changed', 'kept']),
  /** total counts all changes; `changes` are as many of them as a document keeps. */
  total: amount,
  changes: z.array(change),
  flow: z.optional(z.object({ nodes: z.array(node), edges: z.array(edge), more: amount })),
});

const diffEvidence = z.object({ from: side, to: side, applications: z.array(application) });

/** DiffEvidence is what differs between two revisions, in the shape that the step leaves in its result document. */
export type DiffEvidence = z.output<typeof diffEvidence>;

/** DiffSide is one of the two revisions. */
export type DiffSide = z.output<typeof side>;

/** DiffedApplication is what differs in one application. */
export type DiffedApplication = z.output<typeof application>;

/** ShownChange is one change with as much of its texts as people are shown. */
export type ShownChange = z.output<typeof change>;

/** ShownPart is a stretch of a line. */
export type ShownPart = z.output<typeof part>;

/** diffEvidenceOf reads a diff out of a result; undefined when there is none in the known shape. */
export const diffEvidenceOf = (result: StepResult): DiffEvidence | undefined => diffEvidence.safeParse(result.evidence).data;

/** sideText is a side for people: `main (1a2b3c4)`. */
export const sideText = ({ name, commit }: DiffSide): string => {
  const short = commit?.slice(0, 7) ?? '';
  return short === '' || name.startsWith(short) ? name : `${name} (${short})`;
};
