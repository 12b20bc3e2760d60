import { done, failed, type Outcome, type Split } from '@sluice/core';
import { readInclude } from './include.ts';
import type { PinnedApplication } from './pinning.ts';
import type { IncludePlace } from './place.ts';

/** IncludeFile is an application's include file as nginx has it; `text` is absent when there is no file, and nothing is pinned. */
export interface IncludeFile {
  readonly text: string | undefined;
  readonly split: Split;
}

/** readIncludeFile reads an application's include file. Another application's file is an `input` problem. */
export const readIncludeFile = async (place: IncludePlace, path: string, application: PinnedApplication): Promise<Outcome<IncludeFile>> => {
  const text = await place.read();
  if (!text.ok) return text;
  if (text.value === undefined) return done({ text: undefined, split: { stable: '', weight: 0 } });
  const included = readInclude(text.value);
  if (!included.ok) return failed({ ...included.problem, where: path });
  const found = included.value;
  if (found.application === application.application && found.kind === application.kind) {
    return done({ text: text.value, split: found.split });
  }
  return failed({
    category: 'input',
    reason: `the include file belongs to the ${found.kind} app ${found.application}, not to the ${application.kind} app ${application.application}`,
    where: path,
    hint: 'Give each application an include file of its own in gateway.nginx.include.',
  });
};
