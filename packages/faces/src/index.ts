export { actionYml, type ActionFace } from './action-yml.ts';
export { generatedFiles, type Sources } from './generated-files.ts';
export { inputFaces, type InputFace } from './inputs.ts';
export { exitCodesTable, exposureTable, stepReference, stepsTable } from './tables.ts';
