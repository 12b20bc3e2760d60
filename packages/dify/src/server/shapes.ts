import * as z from 'zod/mini';

const text = z.pipe(z.nullish(z.string()), z.transform((value) => value ?? ''));
const mapping = z.record(z.string(), z.unknown());

/** workflowShape is a workflow as the console API gives it: the draft, the published one or an older version. */
export const workflowShape = z.object({
  id: z.string().check(z.minLength(1)),
  graph: mapping,
  features: z.pipe(z.nullish(mapping), z.transform((value) => value ?? {})),
  hash: text,
  version: text,
  marked_name: text,
  marked_comment: text,
  created_at: z.number(),
  environment_variables: z.pipe(z.nullish(z.array(mapping)), z.transform((value) => value ?? [])),
  conversation_variables: z.pipe(z.nullish(z.array(mapping)), z.transform((value) => value ?? [])),
});

/** Workflow is one workflow of an app on the server. */
export type Workflow = z.output<typeof workflowShape>;

export const workflowPageShape = z.object({ items: z.array(workflowShape), has_more: z.boolean() });

export const appShape = z.object({
  id: z.string(),
  name: text,
  description: text,
  mode: z.string(),
  api_base_url: text,
  icon: text,
  icon_type: text,
  icon_background: text,
  model_config: z.pipe(z.nullish(mapping), z.transform((value) => value ?? {})),
  /** workflow is null for an app that was never published, and absent where a server does not tell. */
  workflow: z.nullish(mapping),
  /** enable_site says whether people reach the app's page; site is that page. */
  enable_site: z.nullish(z.boolean()),
  site: z.nullish(z.object({ code: text, app_base_url: text })),
});

/** App is an app's own entry, without its workflows. */
export type App = z.output<typeof appShape>;

export const importShape = z.object({
  id: z.string(),
  status: z.enum(['completed', 'completed-with-warnings', 'pending', 'failed']),
  app_id: text,
  current_dsl_version: text,
  imported_dsl_version: text,
  error: text,
});

/** appEntryShape is an app in a list; times are whole seconds since 1970. */
export const appEntryShape = z.object({ id: z.string(), name: text, mode: text, description: text, created_at: z.nullish(z.number()), updated_at: z.nullish(z.number()) });

/** AppEntry is an app in a list. */
export type AppEntry = z.output<typeof appEntryShape>;

/** Import is how an import of a DSL stands. */
export type Import = z.output<typeof importShape>;

export const exportShape = z.object({ data: z.string().check(z.minLength(1)) });

export const hashShape = z.object({ hash: z.string() });

export const keyShape = z.object({ token: z.string().check(z.minLength(1)) });

export const keysShape = z.object({ data: z.array(keyShape) });

export const runShape = z.object({
  id: z.string(),
  version: text,
  status: z.string(),
  elapsed_time: z.nullish(z.number()),
  total_tokens: z.nullish(z.number()),
  created_at: z.number(),
  finished_at: z.nullish(z.number()),
});

/** Run is one run of an app in the console's list; times are whole seconds since 1970. */
export type Run = z.output<typeof runShape>;

export const runPageShape = z.object({ data: z.array(runShape), has_more: z.boolean() });

export const runDetailShape = z.object({ error: text });

export const secretsShape = z.object({
  items: z.array(z.object({ id: z.string(), name: z.string(), value: z.unknown(), value_type: text })),
});

export const profileShape = z.object({ email: z.string() });

export const membersShape = z.object({ accounts: z.array(z.object({ email: z.string(), role: text })) });

export const dependenciesShape = z.object({ leaked_dependencies: z.array(mapping) });
