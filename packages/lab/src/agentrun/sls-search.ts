/** LogRecord is one record of a log store. */
export type LogRecord = Readonly<Record<string, string>>;

/** BadQuery is a query that Log Service does not take. */
export interface BadQuery {
  readonly message: string;
}

/** Matches says whether a record is one of those that are searched. */
export type Matches = (record: LogRecord) => boolean;

const token = /\s*(?:(\()|(\))|(and|or)\b|([A-Za-z_]\w*)\s*(:|>=|<=|>|<)\s*(?:"([^"]*)"|([\w./-]+)))/iy;

interface Word {
  readonly kind: 'open' | 'close' | 'and' | 'or' | 'test';
  readonly matches?: Matches;
  readonly field?: string;
}

const tested = (field: string, operator: string, value: string): Matches => {
  const wanted = Number(value);
  return (record) => {
    const found = record[field] ?? '';
    if (operator === ':') return found === value;
    const number = Number(found);
    if (found === '') return false;
    return operator === '>=' ? number >= wanted : operator === '<=' ? number <= wanted : operator === '>' ? number > wanted : number < wanted;
  };
};

const wordsOf = (text: string): Word[] | BadQuery => {
  const words: Word[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < text.trimEnd().length) {
    const [whole, open, close, joint, field, operator, quoted, bare] = token.exec(text) ?? [];
    if (whole === undefined) return { message: `syntax error near ${text.slice(0, 40)}` };
    if (open !== undefined) words.push({ kind: 'open' });
    else if (close !== undefined) words.push({ kind: 'close' });
    else if (joint !== undefined) words.push({ kind: joint.toLowerCase() === 'and' ? 'and' : 'or' });
    else words.push({ kind: 'test', field: field ?? '', matches: tested(field ?? '', operator ?? ':', quoted ?? bare ?? '') });
  }
  return words;
};

/** readSearch reads the part of a query before `|`: tests of fields, with `and`, `or` and parentheses. */
export const readSearch = (text: string): { readonly matches: Matches; readonly fields: readonly string[] } | BadQuery => {
  const words = wordsOf(text);
  if ('message' in words) return words;
  let at = 0;
  const one = (): Matches | undefined => {
    const word = words[at];
    at += 1;
    if (word?.kind === 'test') return word.matches;
    if (word?.kind !== 'open') return undefined;
    const inner = any();
    const closed = words[at]?.kind === 'close';
    at += 1;
    return closed ? inner : undefined;
  };
  const joined = (kind: 'and' | 'or', next: () => Matches | undefined): Matches | undefined => {
    const parts = [next()];
    while (words[at]?.kind === kind) {
      at += 1;
      parts.push(next());
    }
    const all = parts.filter((part) => part !== undefined);
    if (all.length < parts.length) return undefined;
    return kind === 'and' ? (record) => all.every((part) => part(record)) : (record) => all.some((part) => part(record));
  };
  const every = (): Matches | undefined => joined('and', one);
  const any = (): Matches | undefined => joined('or', every);
  const matches = any();
  return matches === undefined || at < words.length ? { message: 'syntax error in the search' } : { matches, fields: words.flatMap(({ field }) => (field === undefined ? [] : [field])) };
};

interface Column {
  readonly name: string;
  /** field is what it reads; absent for a count. */
  readonly field?: string;
  of(records: readonly LogRecord[]): string;
}

const first = (records: readonly LogRecord[], field: string): string => records[0]?.[field] ?? 'null';

const stepOf = (text: string, scale: number): string => (text.trim() === '' || Number.isNaN(Number(text)) ? 'null' : String(Math.floor(Math.log(Math.max(1, Number(text))) * scale)));

const columnOf = (text: string): Column | undefined => {
  const count = /^count\(1\) as (\w+)$/i.exec(text);
  if (count !== null) return { name: count[1] ?? '', of: (records) => String(records.length) };
  const step = /^floor\(ln\(greatest\(try_cast\((\w+) as double\), 1\)\) \* (\d+)\) as (\w+)$/i.exec(text);
  if (step !== null) {
    const [, field = '', scale = '', name = ''] = step;
    return { name, field, of: (records) => stepOf(first(records, field), Number(scale)) };
  }
  return /^\w+$/.test(text) ? { name: text, field: text, of: (records) => first(records, text) } : undefined;
};

/** splitColumns splits at the commas outside parentheses. */
const splitColumns = (text: string): string[] => {
  const parts = [''];
  let depth = 0;
  for (const letter of text) {
    depth += letter === '(' ? 1 : letter === ')' ? -1 : 0;
    if (letter === ',' && depth === 0) parts.push('');
    else parts.push(`${parts.pop() ?? ''}${letter}`);
  }
  return parts.map((part) => part.trim());
};

/** readSql reads `SELECT … GROUP BY … LIMIT n` with the few expressions that the lab knows. */
export const readSql = (text: string): { readonly run: (records: readonly LogRecord[]) => LogRecord[]; readonly fields: readonly string[] } | BadQuery => {
  const [, selected, grouped, limit] = /^\s*SELECT (.+?) GROUP BY (.+?)(?: LIMIT (\d+))?\s*$/is.exec(text) ?? [];
  if (selected === undefined || grouped === undefined) return { message: `line 1:1: mismatched input '${text.trim().slice(0, 20)}'` };
  const columns = splitColumns(selected).map(columnOf);
  if (columns.some((column) => column === undefined)) return { message: 'line 1:8: Column cannot be resolved' };
  const known = columns.filter((column) => column !== undefined);
  const by = grouped.split(',').map((name) => known.find((column) => column.name === name.trim()));
  if (by.some((column) => column === undefined)) return { message: 'line 1:80: GROUP BY a column that is not selected' };
  const keys = by.filter((column) => column !== undefined);
  return {
    fields: known.flatMap(({ field }) => (field === undefined ? [] : [field])),
    run: (records) => {
      const groups = new Map<string, LogRecord[]>();
      for (const record of records) {
        const key = JSON.stringify(keys.map((column) => column.of([record])));
        groups.set(key, [...(groups.get(key) ?? []), record]);
      }
      const rows = [...groups.values()].map((group) => Object.fromEntries(known.map((column) => [column.name, column.of(group)])));
      return rows.slice(0, Number(limit ?? '100'));
    },
  };
};
