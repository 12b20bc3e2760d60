export { actionYml, type ActionFace } from './action-yml.ts';
export { gitlabPlainTemplate, gitlabTemplate, type Origin } from './gitlab-template.ts';
export { jenkinsHelp, jenkinsStep, jenkinsStepName } from './jenkins-step.ts';
export { generatedFiles, type Sources } from './generated-files.ts';
export { inputFaces, type InputFace } from './inputs.ts';
export { endingFaces, ownOutputFaces, type OutputFace } from './outputs.ts';
export { rightsPage, type Rights, type StepRights } from './rights-page.ts';
export { endingTable, exitCodesTable, exposureTable, stepReference, stepsTable } from './tables.ts';
