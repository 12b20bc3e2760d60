import { oneLine, type Marks } from '@sluice/core';

/** Described is what Sluice keeps in a version's description. */
export interface Described {
  readonly name: string;
  readonly marks: Marks;
  /** digest is that of the version's content. */
  readonly digest?: string;
}

// The limit of a runtime's description; none is documented for versions, so the smaller is kept.
const longest = 256;
const verdicts = ['passed', 'failed', 'inconclusive', 'rolled-back'] as const;

const wordOf = (key: string, value: string | undefined, shape: RegExp): string[] =>
  value !== undefined && shape.test(value) ? [`${key}=${value}`] : [];

const bracket = (words: readonly string[]): string => `[sluice${words.map((word) => ` ${word}`).join('')}]`;

/** describe writes a name and marks as one line of at most 256 characters: `name [sluice digest=… commit=… verdict=… run=…]`. What does not fit is left out from the end; the name is shortened. */
export const describe = ({ name, marks, digest }: Described): string => {
  const words = [
    ...wordOf('digest', digest, /^sha256:[0-9a-f]{64}$/),
    ...wordOf('commit', marks.commit, /^[0-9a-f]{7,64}$/),
    ...wordOf('verdict', marks.verdict, /^[a-z-]+$/),
    ...wordOf('run', marks.runUrl, /^https?:\/\/[^\s\]]+$/),
  ];
  const kept: string[] = [];
  for (const word of words) {
    if (bracket([...kept, word]).length <= longest - 40) kept.push(word);
  }
  const tail = bracket(kept);
  const room = longest - tail.length - 1;
  let short = oneLine(name, room);
  while (short.length > room) short = [...short].slice(0, -1).join('');
  return `${short} ${tail}`.trim();
};

/** readDescription reads a description that describe wrote; in others everything is the name. It is untrusted text. */
export const readDescription = (description: string): Described => {
  const match = /^(.*?) ?\[sluice((?: [a-z]+=[^\s\]]+)*)\]$/s.exec(description);
  if (match === null) return { name: description, marks: {} };
  const [, name = '', list = ''] = match;
  const words = new Map(
    list
      .trim()
      .split(' ')
      .map((word): [string, string] => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]),
  );
  const digest = words.get('digest');
  const commit = words.get('commit');
  const runUrl = words.get('run');
  const verdict = verdicts.find((known) => known === words.get('verdict'));
  return {
    name,
    marks: {
      ...(commit === undefined ? {} : { commit }),
      ...(verdict === undefined ? {} : { verdict }),
      ...(runUrl === undefined ? {} : { runUrl }),
    },
    ...(digest !== undefined && /^sha256:[0-9a-f]{64}$/.test(digest) ? { digest } : {}),
  };
};
