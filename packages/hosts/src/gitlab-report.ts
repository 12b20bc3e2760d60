/**
 * reportLimit is in bytes: GitLab refuses a dotenv report that is not smaller than 5120, and a job whose report is refused
 * has failed (docs.gitlab.com, artifacts:reports:dotenv; parse_dotenv_artifact_service.rb).
 */
export const reportLimit = 5 * 1024 - 1;

/** variableLimit is how many a GitLab of its own takes where nobody allowed more; gitlab.com takes at least 50 (same page). */
export const variableLimit = 20;

/** levels are how long a value may be, in bytes, tried from the longest on until the report fits. */
const levels = [4096, 2048, 1024, 512, 256, 128, 64, 0];

const bytes = (text: string): number => Buffer.byteLength(text, 'utf8');

/** written keeps GitLab from expanding what a value quotes: variables of a dotenv report are not raw, and `$$` stands for `$`. */
const written = (value: string): string => value.replaceAll('$', '$$$$');

/** cut is the beginning of a value and a mark, within a limit as it is written. */
const cut = (value: string, limit: number): string => {
  if (bytes(written(value)) <= limit) return value;
  let used = bytes('…');
  let kept = '';
  for (const character of value) {
    used += bytes(written(character));
    if (used > limit) break;
    kept += character;
  }
  return kept === '' ? '' : `${kept}…`;
};

/** Values are the variables of a report by their names, each in one line. */
type Values = Readonly<Record<string, string>>;

/** readReport reads what an earlier step of the job wrote. */
export const readReport = (text: string): Values =>
  Object.fromEntries(
    text.split('\n').filter((line) => line.includes('=')).map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1).replaceAll('$$', '$')];
    }),
  );

/** fittingReport is a report that GitLab takes: its longest values are cut until it fits, and `shortened` names them. */
export const fittingReport = (values: Values): { readonly text: string; readonly shortened: readonly string[] } => {
  const names = Object.keys(values);
  const at = (level: number): Values => Object.fromEntries(names.map((name) => [name, cut(values[name] ?? '', level)]));
  const textOf = (some: Values): string => Object.entries(some).map(([name, value]) => `${name}=${written(value)}\n`).join('');
  const fitting = levels.map(at).find((some) => bytes(textOf(some)) <= reportLimit) ?? {};
  return { text: textOf(fitting), shortened: names.filter((name) => fitting[name] !== values[name]) };
};
