import { placeText, rulePage, type Place, type StepResult } from '@sluice/core';
import { lookedOf } from './finding-rows.ts';
import { foundIn } from './found.ts';
import { leavesOf } from './leaves.ts';
import { cell, markdownTable } from './markdown-table.ts';
import { webLink } from './web-link.ts';

/** Listing is how findings are listed. */
export interface Listing {
  /** most is how many are listed; the result document has all of them. */
  readonly most: number;
  /** filesUrl is the address of the repository's files at the commit; empty where that is not known. */
  readonly filesUrl: string;
}

/** linkedPlace names a place, and leads to it where its file is one of the repository. */
const linkedPlace = (place: Place, filesUrl: string): string => {
  const name = cell(placeText(place));
  const isInside = !/^(?:\.\.\/|\/|[A-Za-z]:)/.test(place.file);
  if (filesUrl === '' || !isInside) return name;
  // Half of a character is no part of an address, and no file has one in its name.
  const path = place.file.replace(/\p{Surrogate}/gu, '\uFFFD').split('/').map(encodeURIComponent).join('/');
  return webLink(name, `${filesUrl}/${path}${place.line === undefined ? '' : `#L${place.line}`}`) ?? name;
};

const linkedRule = (rule: string): string => {
  const page = rulePage(rule);
  return (page === undefined ? undefined : webLink(cell(rule), page)) ?? cell(rule);
};

/** findingsSection lists in Markdown what a step found in files, the gravest first, each with its place and the page of its rule; empty when it found nothing. */
export const findingsSection = (result: StepResult, { most, filesUrl }: Listing): readonly string[] => {
  const found = foundIn(leavesOf(result))?.found ?? [];
  if (found.length === 0) return [];
  const rows = found.slice(0, most).map(({ severity, place, message, rule, hint }) => [severity, linkedPlace(place, filesUrl), cell(hint === '' ? message : `${message} ${hint}`), linkedRule(rule)]);
  return [markdownTable(['severity', 'place', 'finding', 'rule'], rows), ...(found.length > most ? [`And ${found.length - most} more: the result document and the reports of the job have them.`] : [])];
};

/** checksSection lists in Markdown what a step asked beside that; empty when it asked nothing. */
export const checksSection = (result: StepResult): readonly string[] => {
  const checks = leavesOf(result).flatMap((leaf) => lookedOf(leaf)?.checks ?? []);
  return checks.length === 0 ? [] : [markdownTable(['check', 'status', 'said'], checks.map(({ name, status, message }) => [cell(name), status, cell(message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message)]))];
};
