import type { Answer } from './caller.ts';

const page = /^\s*<!doctype html/i;

const patterns: readonly (readonly [RegExp, string])[] = [
  [/\bapp-[A-Za-z0-9]{24}\b/g, '<key>'],
  [/\b[0-9a-f]{64}\b/g, '<hash>'],
  [/\b\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(?:\.\d+)?/g, '<moment>'],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, '<token>'],
  [/"sys\.timestamp": \d+/g, '"sys.timestamp": <seconds>'],
  // The same check in another release of pydantic names another page.
  [/errors\.pydantic\.dev\/[\d.]+\//g, 'errors.pydantic.dev/'],
];

const uuid = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;

const maskedText = (text: string, names: ReadonlyMap<string, string>): string => {
  if (page.test(text)) return `<page: ${/<title>([^<]*)/i.exec(text)?.[1] ?? ''}>`;
  const named = text.replace(uuid, (id) => names.get(id) ?? '<uuid>');
  return patterns.reduce((kept, [pattern, instead]) => kept.replace(pattern, instead), named);
};

const isPerson = (value: object): boolean => Object.keys(value).sort().join() === 'email,id,name';

const numbers: Readonly<Record<string, string>> = { elapsed_time: '<duration>', latency: '<duration>', 'sys.timestamp': '<seconds>' };

/** masked replaces what differs from run to run: ids (but those with a name), times, keys, hashes, people. */
export const masked = (value: unknown, names: ReadonlyMap<string, string>, field = ''): unknown => {
  // A server writes this time behind the request, once a minute at most.
  if (field === 'last_used_at') return '<seconds or never>';
  // Flask adds the routes that sound alike to a 404; which there are, and the full stop before them, is no part of the contract.
  if (field.endsWith('_at') && value !== null) return '<seconds>';
  if (typeof value === 'string' && field === 'message') return maskedText(value.replace(/ You have requested this URI \[[\s\S]*$/, '').replace(/\.$/, ''), names);
  if (typeof value === 'string') return maskedText(value, names);
  if (typeof value === 'number') return numbers[field] ?? value;
  if (Array.isArray(value)) return value.map((item: unknown) => masked(item, names));
  if (typeof value !== 'object' || value === null) return value;
  if (isPerson(value) && Object.values(value).every((part) => typeof part === 'string')) return '<person>';
  return Object.fromEntries(Object.entries(value).map(([name, inner]: [string, unknown]) => [name, masked(inner, names, name)]));
};

/** plain is an answer's status and masked body. */
export const plain = (answer: Answer, names: ReadonlyMap<string, string>): unknown => ({ status: answer.status, body: masked(answer.body, names) });

/** Told is one event of a stream, read. */
export interface Told {
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** eventsOf reads a stream of events; a bare `event: ping` line is an event without fields. */
export const eventsOf = (answer: Answer): readonly Told[] => {
  if (typeof answer.body !== 'string') return [];
  return answer.body.split('\n').flatMap((line): Told[] => {
    if (line.startsWith('event: ')) return [{ event: line.slice(7).trim(), fields: {} }];
    if (!line.startsWith('data: ')) return [];
    const fields: unknown = JSON.parse(line.slice(6));
    if (typeof fields !== 'object' || fields === null) return [];
    const read = Object.fromEntries(Object.entries(fields));
    return [{ event: String(read['event']), fields: read }];
  });
};

/** story is a stream in short: the events in order with their status or code, neighbours of one kind once. */
export const story = (answer: Answer): readonly string[] => {
  const lines = eventsOf(answer).map(({ event, fields }) => {
    const { data, code } = fields;
    const inner = typeof data === 'object' && data !== null ? Object.fromEntries(Object.entries(data)) : {};
    const kind = event.startsWith('node_') ? ` ${String(inner['node_type'])}` : '';
    const status = inner['status'] ?? code;
    return `${event}${kind}${status === undefined ? '' : ` ${String(status)}`}`;
  });
  return lines.filter((line, index) => line !== lines[index - 1]);
};
