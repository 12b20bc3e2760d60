export { pipelineFiles, type PipelineFile } from './pipeline-files.ts';
export { lintPipeline } from './lint-pipeline.ts';
export { pipelineRules } from './rules.ts';
