/** Usage counts the tokens of one call, or of several together. */
export interface Usage {
  readonly prompt: number;
  readonly completion: number;
  readonly latencySeconds: number;
}

/** noUsage is nothing used. */
export const noUsage: Usage = { prompt: 0, completion: 0, latencySeconds: 0 };

/** countTokens estimates tokens from a text alone: one for a CJK character, one for four others. */
export const countTokens = (text: string, factor = 1): number => {
  const wide = text.match(/[\u3000-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]/gu)?.length ?? 0;
  return Math.ceil((wide + (text.length - wide) / 4) * factor);
};

/** plus adds two usages. */
export const plus = (left: Usage, right: Usage): Usage => ({
  prompt: left.prompt + right.prompt,
  completion: left.completion + right.completion,
  latencySeconds: left.latencySeconds + right.latencySeconds,
});

/** total is all tokens of a usage. */
export const total = (usage: Usage): number => usage.prompt + usage.completion;

const price = (tokens: number, perThousand: number): string => ((tokens * perThousand) / 1000).toFixed(7);

/** totalPrice is the price of a usage as Dify writes it: a decimal string. */
export const totalPrice = (usage: Usage): string =>
  (Number(price(usage.prompt, 0.001)) + Number(price(usage.completion, 0.002))).toFixed(7);

/** usageFields writes a usage as Dify does in answers (1.12.1, core/model_runtime/entities/llm_entities.py). */
export const usageFields = (usage: Usage, timesFirstToken: boolean, firstTokenSeconds?: number): Record<string, unknown> => ({
  prompt_tokens: usage.prompt,
  prompt_unit_price: '0.001',
  prompt_price_unit: '0.001',
  prompt_price: price(usage.prompt, 0.001),
  completion_tokens: usage.completion,
  completion_unit_price: '0.002',
  completion_price_unit: '0.001',
  completion_price: price(usage.completion, 0.002),
  total_tokens: total(usage),
  total_price: totalPrice(usage),
  currency: 'USD',
  latency: usage.latencySeconds,
  ...(timesFirstToken
    ? {
        time_to_first_token: firstTokenSeconds ?? null,
        time_to_generate: firstTokenSeconds === undefined ? null : Math.max(0, Number((usage.latencySeconds - firstTokenSeconds).toFixed(3))),
      }
    : {}),
});
