import { rulePage, type Finding, type Host, type Severity } from '@sluice/core';
import { excerpts } from '@sluice/report';

/** mostShown is how many findings a log shows; the result document and the reports have all of them. */
const mostShown = 50;

const order: Readonly<Record<Severity, number>> = { error: 0, warning: 1, notice: 2 };

/** Found is what a validate found, and what it takes to show that. */
export interface Found {
  readonly findings: readonly Finding[];
  /** texts are the files that were read, by the names that places give them. */
  readonly texts: ReadonlyMap<string, string>;
  /** secretRules are the ids of the rules about secrets. */
  readonly secretRules: ReadonlySet<string>;
}

/** inFiles is the order in which a person goes through the files. */
const inFiles = ({ place: one }: Finding, { place: other }: Finding): number =>
  (one.file < other.file ? -1 : one.file > other.file ? 1 : 0) || (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0);

/** shownOf are the findings that a log shows, the gravest, in the order in which a person goes through the files. */
export const shownOf = (findings: readonly Finding[]): readonly Finding[] =>
  findings
    .toSorted((one, other) => order[one.severity] - order[other.severity])
    .slice(0, mostShown)
    .toSorted(inFiles);

/** gravestFirst puts secrets before other errors, errors before the rest, and then what a log shows first. */
export const gravestFirst = ({ findings, secretRules }: Pick<Found, 'findings' | 'secretRules'>): readonly Finding[] => {
  const grave = ({ severity, rule }: Finding): number => order[severity] * 2 + (secretRules.has(rule) ? 0 : 1);
  return findings.toSorted(inFiles).toSorted((one, other) => grave(one) - grave(other));
};

const numbered = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

/** countText says how much was found: `3 errors, 2 warnings in 2 files`. */
export const countText = (findings: readonly Finding[]): string => {
  const severities: readonly Severity[] = ['error', 'warning', 'notice'];
  const counts = severities.map((severity) => [severity, findings.filter((one) => one.severity === severity).length] as const);
  const files = new Set(findings.map(({ place }) => place.file)).size;
  return `${counts.flatMap(([severity, count]) => (count === 0 ? [] : [numbered(count, severity)])).join(', ')} in ${numbered(files, 'file')}`;
};

/** tellFindings shows the findings with the lines that they are about, and says how many there are. */
export const tellFindings = (host: Host, { findings, texts, secretRules }: Found): void => {
  if (findings.length === 0) return;
  const excerptOf = excerpts({ texts, findings, isSecret: (rule) => secretRules.has(rule), redact: (text) => host.redact(text) });
  for (const finding of shownOf(findings)) {
    const [excerpt, page] = [excerptOf(finding), rulePage(finding.rule)];
    host.annotate(finding, { ...(excerpt === undefined ? {} : { excerpt }), ...(page === undefined ? {} : { page }) });
  }
  const left = findings.length - mostShown;
  host.log(`${countText(findings)}${left > 0 ? `; ${left} of them are not shown here: the result document and the reports have all` : ''}`);
};
