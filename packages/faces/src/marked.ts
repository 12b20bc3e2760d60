/** replaceMarked puts `content` between `<!-- generated:name -->` and `<!-- /generated:name -->`; a missing mark is a defect. */
export const replaceMarked = (text: string, name: string, content: string): string => {
  const [begin, end] = [`<!-- generated:${name} -->`, `<!-- /generated:${name} -->`];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the text has no marks ${begin} … ${end}`);
  return `${text.slice(0, from + begin.length)}\n${content}\n${text.slice(to)}`;
};
