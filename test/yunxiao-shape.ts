import * as z from 'zod/mini';

/*
 * What a file of Yunxiao Flow may hold, as far as these examples use it, from Alibaba Cloud's documentation of YAML pipelines
 * (help.aliyun.com/zh/yunxiao/user-guide: "流水线源 sources", "流水线任务 jobs", "流水线步骤 steps", "流水线组件 component",
 * "环境变量 variables", "并发配置 concurrencyConfig", "使用 condition 语法控制任务是否执行"). There is no public schema.
 */

/** id is the name of a source, stage, job or step: letters, digits and underscores, a letter first. */
const id = z.string().check(z.regex(/^[A-Za-z]\w{0,29}$/));
const text = z.string().check(z.minLength(1), z.maxLength(64));
const minutes = z.int().check(z.minimum(1), z.maximum(1440));

const source = z.strictObject({
  type: z.enum(['codeup', 'github', 'gitlab', 'git']),
  name: z.optional(text),
  endpoint: z.string().check(z.regex(/^(https:\/\/|git@)/)),
  branch: text,
  branchesFilter: z.optional(z.string()),
  triggerEvents: z.optional(z.array(z.enum(['push', 'tagPush', 'mergeRequestMerged', 'mergeRequestOpenedOrUpdate']))),
  certificate: z.strictObject({ type: z.literal('serviceConnection'), serviceConnection: text }),
});

const step = z.discriminatedUnion('step', [
  z.strictObject({ step: z.literal('SetupNode'), name: z.optional(text), with: z.strictObject({ versionType: z.enum(['predefined', 'custom', 'nvmrc']), nodeVersion: z.string() }) }),
  z.strictObject({ step: z.literal('Command'), name: z.optional(text), with: z.strictObject({ run: z.string().check(z.minLength(1)) }) }),
]);

const common = { name: z.optional(text), needs: z.optional(id), condition: z.optional(z.string().check(z.regex(/^(always\(\)|(succeed|failed)\([A-Za-z]\w*\))$/))) };

const job = z.union([
  z.strictObject({
    ...common,
    component: z.literal('ManualValidate'),
    with: z.strictObject({ validatorType: z.literal('users'), validateMethod: z.enum(['and', 'or']), validatorUsers: z.array(text).check(z.minLength(1)) }),
  }),
  z.strictObject({
    ...common,
    runsOn: z.strictObject({ group: z.string().check(z.regex(/^(public|private)\//)), container: z.string().check(z.minLength(1)) }),
    timeoutMinutes: minutes,
    steps: z.record(id, step),
  }),
]);

/** flowFile is a whole pipeline. */
export const flowFile = z.strictObject({
  name: z.optional(text),
  sources: z.record(id, source),
  variableGroups: z.array(text),
  concurrencyConfig: z.optional(z.strictObject({ maxRunningPipelineInstances: z.int(), pipelineMaxRunningBehavior: z.enum(['preemptOldest', 'rejectNew']) })),
  stages: z.record(id, z.strictObject({ name: z.optional(text), jobs: z.record(id, job) })),
});
