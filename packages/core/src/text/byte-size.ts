/** byteSize writes a number of bytes for people: `640 bytes`, `12.3 kB`, `10 MB`. */
export const byteSize = (bytes: number): string => {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${Number((bytes / 1024).toFixed(1))} kB`;
  return `${Number((bytes / 1024 / 1024).toFixed(1))} MB`;
};
