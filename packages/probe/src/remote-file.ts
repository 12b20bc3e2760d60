const kinds: Readonly<Record<string, readonly string[]>> = {
  image: ['jpg', 'jpeg', 'png', 'gif', 'webp', 'svg'],
  audio: ['mp3', 'm4a', 'wav', 'amr', 'mpga'],
  video: ['mp4', 'mov', 'mpeg', 'webm'],
};

/**
 * remoteFile is the value of a file input that the platform fetches by its address:
 * `{type: image | document | audio | video, transfer_method: "remote_url", url}` (Dify 1.12.1, api/factories/file_factory.py).
 */
export const remoteFile = (url: string): object => {
  const ending = /\.([a-z0-9]+)(?:[?#]|$)/i.exec(url)?.[1]?.toLowerCase() ?? '';
  const kind = Object.entries(kinds).find(([, endings]) => endings.includes(ending))?.[0] ?? 'document';
  return { type: kind, transfer_method: 'remote_url', url };
};
