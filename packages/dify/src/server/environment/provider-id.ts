/** whole writes a provider's id in full: before plugins, `openai` was one (Dify 1.12.1, api/models/provider_ids.py). */
const whole = (id: string): string => (/^[a-z0-9_-]+$/.test(id) ? `langgenius/${id}/${id}` : id);

/** modelProvider is a model provider's id in full; Google's has moved to a plugin of another name. */
export const modelProvider = (id: string): string => whole(id).replace(/^langgenius\/[^/]+\/google$/, 'langgenius/gemini/google');

/** toolProvider is a tool provider's id in full; four have moved to plugins of other names. */
export const toolProvider = (id: string): string => whole(id).replace(/^langgenius\/[^/]+\/(jina|siliconflow|stepfun|gitee_ai)$/, 'langgenius/$1_tool/$1');

/** pluginOf is the plugin that a provider's whole id belongs to; empty when it belongs to none. */
export const pluginOf = (id: string): string => /^([^/]+\/[^/]+)\/[^/]+$/.exec(id)?.[1] ?? '';
