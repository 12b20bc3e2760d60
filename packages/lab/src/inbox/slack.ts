import { isRecord, readRecord, textAt, type JsonRecord, type Verdict } from './message.ts';

// Block Kit's limits, in characters.
const limits = { blocks: 50, header: 150, section: 3000, text: 40_000 } as const;

const refused = (status: number, reason: string): Verdict => ({ status, body: reason, refused: reason });

const blockText = (block: JsonRecord): string => {
  const text = block['text'];
  if (isRecord(text)) return textAt(text, 'text') ?? '';
  const elements = block['elements'];
  return Array.isArray(elements) ? elements.map((element) => (isRecord(element) ? (textAt(element, 'text') ?? '') : '')).join(' ') : '';
};

const fits = (block: unknown): boolean => {
  if (!isRecord(block) || typeof block['type'] !== 'string') return false;
  const { length } = blockText(block);
  if (block['type'] === 'header') return length > 0 && length <= limits.header;
  if (block['type'] === 'section') return Array.isArray(block['fields']) || (length > 0 && length <= limits.section);
  return true;
};

/** receiveSlack judges the body of a request to an incoming webhook as Slack does: a plain text answer, `ok` when accepted. */
export const receiveSlack = (text: string): Verdict => {
  const payload = readRecord(text);
  if (payload === undefined) return refused(400, 'invalid_payload');
  const blocks = payload['blocks'];
  if (blocks !== undefined && !(Array.isArray(blocks) && blocks.length <= limits.blocks && blocks.every(fits))) {
    return refused(400, 'invalid_blocks');
  }
  const list: readonly JsonRecord[] = Array.isArray(blocks) ? blocks.filter(isRecord) : [];
  const plain = textAt(payload, 'text');
  if (plain === undefined && list.length === 0 && !Array.isArray(payload['attachments'])) return refused(400, 'no_text');
  if ((plain?.length ?? 0) > limits.text) return refused(400, 'msg_too_long');
  const header = list.find((block) => block['type'] === 'header');
  const said = [plain, ...list.filter((block) => block !== header).map(blockText)].filter((part) => part !== undefined && part !== '');
  return {
    status: 200,
    body: 'ok',
    message: { ...(header === undefined ? {} : { title: blockText(header) }), text: said.join('\n') },
  };
};
