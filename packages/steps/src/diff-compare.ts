import { failed, done, hideSecrets, placeText, plainLine, type Application, type Change, type GraphNode, type Outcome, type Platform, type Source, type SourceGraph, type StepContext } from '@sluice/core';
import { changedFlow, shownChanges, type DiffedApplication, type DiffSide } from '@sluice/report';

/** mostChanges is how many changes of one application a result document keeps. */
const mostChanges = 300;

/** mostNodes is how many nodes a picture has. */
const mostNodes = 40;

/** Compared is one application of both sides; one is absent where the application is new or gone. */
export interface Compared {
  readonly platform: Platform;
  readonly before?: Source | undefined;
  readonly after?: Source | undefined;
  /** path is where it lies now, or lay, and moved its earlier place where that is another. */
  readonly path: string;
  readonly moved?: string | undefined;
}

/** readable is the source of an application that a side has; one that cannot be read is a `gate` problem with the first of its findings. */
export const readable = (application: Application | undefined, { name }: DiffSide): Outcome<Source | undefined> => {
  if (application === undefined) return done(undefined);
  const { source, findings } = application.parsed;
  if (source !== undefined) return done(source);
  const errors = findings.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  const file = application.files[0]?.path ?? '';
  const more = errors.length < 2 ? '' : ` (and ${errors.length - 1} more)`;
  return failed({
    category: 'gate',
    reason: `${first === undefined ? file : placeText(first.place)} of ${name} cannot be compared: ${hideSecrets(first?.message.replace(/\.$/, '') ?? 'it cannot be read', () => '•••')}${more}`,
    tried: 'read both sides',
    where: first === undefined ? file : placeText(first.place),
    hint: 'Run validate: it lists everything that is wrong. If the older side is the broken one, name another with `from`.',
  });
};

/** Clean takes secrets out of a text, and what changes a line without being seen; lines stay lines. */
type Clean = (text: string) => string;

const cleanWith =
  (redact: (text: string) => string): Clean =>
  (text) =>
    redact(text)
      .split('\n')
      .map((line) => redact(plainLine(line)))
      .join('\n');

const cleanChange = ({ subject, before, after, ...rest }: Change, clean: Clean): Change => ({
  ...rest,
  subject: plainLine(clean(subject)),
  ...(before === undefined ? {} : { before: clean(before) }),
  ...(after === undefined ? {} : { after: clean(after) }),
});

/** cleanGraph leaves the ids as they are: they tie nodes to changes and edges, and are drawn by other names. */
const cleanGraph = (graph: SourceGraph | undefined, clean: Clean): SourceGraph | undefined =>
  graph === undefined
    ? undefined
    : {
        nodes: graph.nodes.map((node): GraphNode => ({ ...node, name: plainLine(clean(node.name)) })),
        edges: graph.edges.map(({ label, ...edge }) => ({ ...edge, ...(label === undefined ? {} : { label: plainLine(clean(label)) }) })),
      };

/** diffed compares one application, and says of a new or removed one only that. */
export const diffed = async ({ host }: StepContext, { platform, before, after, path, moved }: Compared): Promise<DiffedApplication> => {
  const clean = cleanWith((text) => host.redact(text));
  const changes = before === undefined || after === undefined ? [] : platform.diff(before, after).map((change) => cleanChange(change, clean));
  const graphOf = (source: Source | undefined, newer?: Source): SourceGraph | undefined => (source === undefined ? undefined : cleanGraph(platform.graph?.(source, newer), clean));
  const changed = new Set(changes.flatMap(({ node }) => node ?? []));
  const flow = changedFlow({ before: graphOf(before, after), after: graphOf(after), changed }, mostNodes);
  const whole = before === undefined ? 'added' : after === undefined ? 'removed' : undefined;
  return {
    path: clean(path),
    ...(moved === undefined ? {} : { before: clean(moved) }),
    fate: whole ?? (changes.length === 0 ? 'kept' : 'changed'),
    total: changes.length,
    changes: [...(await shownChanges(changes.slice(0, mostChanges)))],
    ...(flow === undefined || (whole === undefined && changes.length === 0) ? {} : { flow: { ...flow, nodes: [...flow.nodes], edges: [...flow.edges] } }),
  };
};
