/** webAddress is an address that may become a link: no script, no credentials, and nothing that ends the link. */
const webAddress = (text: string): string | undefined => {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return undefined;
  return url.href.replace(/[()[\]<>|\\`*_~]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
};

/** webLink is a link in Markdown around a text that is Markdown already; undefined where the address is none. */
export const webLink = (text: string, address: string): string | undefined => {
  const url = webAddress(address);
  return url === undefined ? undefined : `[${text}](${url})`;
};
