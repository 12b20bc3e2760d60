import { displayWidth, oneLine, svgText } from '@sluice/core';

/** The frame that our charts share, in pixels: the names of values stand left of the plot, those of curves right of it. */
export const width = 680;
export const left = 56;
export const right = 150;
export const plotWidth = width - left - right;

/** Colours of middle lightness read on white and on dark pages alike. */
export const grey = '#808890';
export const blue = '#3b82d6';
export const orange = '#d97a2b';

/** fixed writes a coordinate. */
export const fixed = (value: number): string => String(Number(value.toFixed(1)));

/** text is a text at a place; `more` are attributes. */
export const text = (x: number, y: number, content: string, more = ''): string => `<text x="${fixed(x)}" y="${fixed(y)}"${more}>${svgText(content)}</text>`;

/** fitted cuts a text so that it is at most so many columns wide; CJK takes two for each character. */
export const fitted = (content: string, columns: number): string => {
  let length = columns;
  while (length > 1 && displayWidth(oneLine(content, length)) > columns) length -= 1;
  return oneLine(content, length);
};

/** axes are the two lines of a plot, with what its top and its bottom stand for. */
export const axes = (top: number, height: number, upper: string, lower: string): string =>
  [
    `<path d="M${left} ${top}V${top + height}H${left + plotWidth}" fill="none" stroke="${grey}"/>`,
    text(left - 8, top + 4, upper, ' text-anchor="end"'),
    text(left - 8, top + height + 4, lower, ' text-anchor="end"'),
  ].join('');

/** picture is a whole SVG of that frame on a clear background, under a title that is also what is read aloud. */
export const picture = (height: number, title: string, parts: readonly string[]): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${svgText(title)}"`,
    ` font-family="system-ui, 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif" font-size="12" fill="${grey}">`,
    text(left, 20, title, ' font-size="14" font-weight="600"'),
    ...parts,
    '</svg>\n',
  ].join('');
