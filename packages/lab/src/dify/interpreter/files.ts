import { text, type Fields } from '../reading.ts';

const attributes = new Set(['type', 'size', 'mime_type', 'transfer_method', 'url', 'extension', 'related_id']);

/** fileAttribute reads what a workflow may ask of a file (Dify 1.12.1, core/file/enums.py). */
export const fileAttribute = (file: Fields, name: string): unknown => {
  if (name === 'name') return file['filename'] ?? null;
  return attributes.has(name) ? (file[name] ?? null) : undefined;
};

/** fileOf makes a run's file from what a caller sent; a string is Dify's refusal. No address is opened and no upload looked up. */
export const fileOf = (given: Fields): Record<string, unknown> | string => {
  const method = text(given['transfer_method']);
  if (method === '') return 'transfer_method is required in file mapping';
  if (!['remote_url', 'local_file', 'tool_file', 'datasource_file'].includes(method)) {
    return `No matching enum found for value '${method}'`;
  }
  const url = text(given['url']) === '' ? text(given['remote_url']) : text(given['url']);
  const upload = text(given['upload_file_id']);
  if (method === 'remote_url' && upload === '' && url === '') return 'Invalid file url';
  if (method === 'local_file' && upload === '') return 'Invalid upload file id';
  const name = url.split(/[?#]/)[0]?.split('/').at(-1) ?? '';
  const extension = name.includes('.') ? `.${name.split('.').at(-1) ?? ''}` : '.bin';
  return {
    dify_model_identity: '__dify__file__',
    id: null,
    type: text(given['type']) === '' ? 'custom' : text(given['type']),
    transfer_method: method,
    remote_url: url === '' ? null : url,
    related_id: upload === '' ? null : upload,
    filename: name === '' ? 'file.bin' : name,
    extension,
    mime_type: 'application/octet-stream',
    size: 1024,
    url: url === '' ? null : url,
  };
};
