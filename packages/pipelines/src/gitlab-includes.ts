import { readGitlab } from './gitlab-pipeline.ts';
import { mappingOf, textOf } from './shape.ts';

/** localIncludes are the files of the same repository that a file of GitLab includes; those with variables in their names are left out. */
export const localIncludes = (text: string): readonly string[] => {
  if (!/^include:/m.test(text)) return [];
  const document = readGitlab('', text);
  const { include } = mappingOf(document.ok ? document.value.value : undefined);
  return (Array.isArray(include) ? include : [include])
    .map((one: unknown) => (typeof one === 'string' && !one.includes('://') ? one : textOf(mappingOf(one)['local'])))
    .filter((one) => one !== '' && !one.includes('$'));
};
