export { pipelineFiles, type PipelineFile } from './pipeline-files.ts';
export { lintPipeline, pipelineLinter } from './lint-pipeline.ts';
export { pipelineRules } from './rules.ts';
