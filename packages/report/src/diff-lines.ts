import { changeGroups, fateText } from './diff-groups.ts';
import { sideText, type DiffedApplication, type DiffEvidence, type ShownChange, type ShownPart } from './diff-evidence.ts';

const marks: Readonly<Record<ShownChange['kind'], string>> = { added: '+', removed: '-', changed: '~' };

/** partText marks words as `git diff --word-diff` does. */
const partText = ({ kind, text }: ShownPart): string => (kind === 'kept' ? text : kind === 'added' ? `{+${text}+}` : `[-${text}-]`);

const changeLines = ({ kind, subject, lines }: ShownChange): readonly string[] => [
  `  ${marks[kind]} ${subject}`,
  ...lines.map((parts) => `      ${parts.map((part) => (kind === 'changed' ? partText(part) : part.text)).join('')}`.trimEnd()),
];

const applicationLines = (application: DiffedApplication): readonly string[] => {
  const { path, before, total, changes } = application;
  return [
    `${before === undefined ? '' : `${before} -> `}${path}: ${fateText(application)}`,
    ...changeGroups(changes).flatMap((group) => [` ${group.title}`, ...group.changes.flatMap(changeLines)]),
    ...(total > changes.length ? [`  and ${total - changes.length} more ${total - changes.length === 1 ? 'change' : 'changes'}`] : []),
  ];
};

/** diffLines are a diff as plain lines, for a log or a terminal. */
export const diffLines = ({ from, to, applications }: DiffEvidence): readonly string[] => [
  `from ${sideText(from)}${from.why === undefined ? '' : `: ${from.why}`}`,
  `to ${sideText(to)}${to.why === undefined ? '' : `: ${to.why}`}`,
  ...applications.flatMap(applicationLines),
];
