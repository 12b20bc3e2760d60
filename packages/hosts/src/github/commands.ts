const data = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');

const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

/** workflowCommand writes a command for the runner: `::error file=a.yml,line=3::text`. Absent properties are left out. */
export const workflowCommand = (
  name: string,
  text: string,
  properties: Readonly<Record<string, string | number | undefined>> = {},
): string => {
  const given = Object.entries(properties).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${property(String(value))}`]));
  return `::${name}${given.length === 0 ? '' : ` ${given.join(',')}`}::${data(text)}`;
};
