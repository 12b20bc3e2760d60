// What a version is, which of two is higher, and what CHANGELOG.md says of one. No file and no command is touched here.

/** parseVersion gives the three numbers of `1.2.3`, or undefined for anything else: pre-releases are not released from here. */
export const parseVersion = (text) => {
  const found = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/.exec(text);
  return found === null ? undefined : found.slice(1).map(Number);
};

/** isHigher says whether the first version is above the second. */
export const isHigher = (one, other) => {
  const index = one.findIndex((number, place) => number !== other[place]);
  return index >= 0 && one[index] > other[index];
};

/** changelogEntry gives the text below the dated heading of a version, or undefined where there is no heading or no text. */
export const changelogEntry = (changelog, version) => {
  const lines = changelog.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`## [${version}] - `) && /\d{4}-\d{2}-\d{2}$/.test(line));
  if (start < 0) return undefined;
  const length = lines.slice(start + 1).findIndex((line) => line.startsWith('## '));
  const text = lines.slice(start + 1, length < 0 ? undefined : start + 1 + length).join('\n').trim();
  return /^- /m.test(text) ? `${text}\n` : undefined;
};
