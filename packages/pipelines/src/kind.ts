/** Kind is whose pipeline a file is; `shell` stands for the systems of which only the command lines are read. */
export type Kind = 'github' | 'gitlab' | 'jenkins' | 'shell';

/** fixedPlaces are the files, relative to the repository or to the project, that one system each reads. */
export const fixedPlaces: Readonly<Record<string, Kind>> = {
  '.gitlab-ci.yml': 'gitlab',
  Jenkinsfile: 'jenkins',
  'bitbucket-pipelines.yml': 'shell',
  '.circleci/config.yml': 'shell',
  'azure-pipelines.yml': 'shell',
};

/** workflowFolder is where GitHub looks for workflows; it does not look below it. */
export const workflowFolder = '.github/workflows';

/** isWorkflow tells a workflow from other files in that folder. */
export const isWorkflow = (name: string): boolean => /\.ya?ml$/.test(name);
