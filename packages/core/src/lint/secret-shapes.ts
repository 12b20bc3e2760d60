interface Shape {
  /** what is said of it to people. */
  readonly what: string;
  readonly pattern: RegExp;
}

const shape = (what: string, pattern: RegExp): Shape => ({ what, pattern });

/** shapes are what providers say their keys look like; the most telling come first. */
const shapes: readonly Shape[] = [
  shape('a private key', /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/),
  shape('a key of Anthropic', /\bsk-ant-[\w-]{20,}/),
  shape('a key of a model provider (sk-…)', /\bsk-(?:proj-|svcacct-|admin-|or-v1-)?[\w-]{20,}/),
  shape('an access key of AWS', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/),
  shape('an access key of Alibaba Cloud', /\bLTAI[0-9A-Za-z]{12,30}\b/),
  shape('an access key of Tencent Cloud', /\bAKID[0-9A-Za-z]{32}\b/),
  shape('an access key of Volcengine', /\bAKLT[\w+/-]{24,}/),
  shape('a key of Baidu Qianfan', /\bbce-v3\/ALTAK-\w{10,}\/[0-9a-f]{32,}/),
  shape('a key of Zhipu', /\b[0-9a-f]{32}\.[0-9A-Za-z]{16}\b/),
  shape('a key of Google', /\bAIza[\w-]{35}/),
  shape('the secret of a client of Google', /\bGOCSPX-[\w-]{24,}/),
  shape('the key of a store of Azure', /\bAccountKey=[\w+/]{80,}={0,2}/),
  shape('a token of GitHub', /\b(?:gh[pousr]_[0-9A-Za-z]{36,}|github_pat_\w{22,})/),
  shape('a token of GitLab', /\bglpat-[\w-]{20,}/),
  shape('a token of Slack', /\bxox[abeprs]-[\w-]{10,}/),
  shape('a webhook of Slack', /\bhooks\.slack\.com\/services\/T\w+\/B\w+\/\w{16,}/),
  shape('a webhook of Discord', /\bdiscord(?:app)?\.com\/api\/webhooks\/\d{17,20}\/[\w-]{50,}/),
  shape('a webhook of DingTalk', /\boapi\.dingtalk\.com\/robot\/send\?access_token=[0-9a-f]{40,}/),
  shape('a webhook of Feishu', /\bopen\.(?:feishu\.cn|larksuite\.com)\/open-apis\/bot\/v2\/hook\/[0-9a-f-]{30,}/),
  shape('a webhook of WeCom', /\bqyapi\.weixin\.qq\.com\/cgi-bin\/webhook\/send\?key=[0-9a-f-]{30,}/),
  shape('a key of a Dify app', /\bapp-[0-9A-Za-z]{24}\b/),
  shape('a key of a Dify knowledge base', /\b(?:dataset|ds)-[0-9A-Za-z]{24}\b/),
  shape('a key of Stripe', /\b[rs]k_live_[0-9A-Za-z]{16,}/),
  shape('a token of Atlassian', /\bATATT3[\w=-]{50,}/),
  shape('a token of Shopify', /\bshp(?:at|ca|pa|ss)_[0-9a-f]{32}/),
  shape('a token of Hugging Face', /\bhf_[0-9A-Za-z]{30,}/),
  shape('a key of a search or model provider', /\b(?:tvly-|gsk_|jina_|xai-|pplx-|fc-|r8_|ntn_|npm_|pypi-|dop_v1_|key-|nvapi-|secret_|lin_api_)[\w-]{28,}/),
  shape('a key of SendGrid', /\bSG\.[\w-]{20,}\.[\w-]{20,}/),
  shape('a token of a Telegram bot', /\b\d{8,10}:AA[\w-]{33}\b/),
  // A head has a bound: a text of many beginnings and no dot would be read from each of them to its end.
  shape('a signed token (JWT)', /\beyJ[\w-]{10,500}\.eyJ[\w-]{10,}\.[\w-]{10,}/),
  shape('a password in an address', /\b[a-z][a-z0-9+.-]{2,20}:\/\/[^\s/:@{}<>"']{0,100}:[^\s/:@{}<>"']{3,100}@[\w.-]+/i),
];

/** prefilter is cheap and true for every text that one of the shapes could match. */
const prefilter = /sk-|AKIA|ASIA|LTAI|AKID|AKLT|bce-v3|AIza|GOCSPX-|AccountKey=|ATATT3|shp(?:at|ca|pa|ss)_|secret_|lin_api_|\/webhooks\/|gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|hooks\.slack|access_token=|\/hook\/|webhook\/send|app-|dataset-|ds-|k_live_|hf_|tvly-|gsk_|jina_|xai-|pplx-|fc-|r8_|ntn_|npm_|pypi-|dop_v1_|key-|nvapi-|SG\.|:AA|eyJ|:\/\/[^\s/@]*@|PRIVATE KEY|[0-9a-f]{8}\.[0-9A-Za-z]{16}\b/;

const placeholder = /x{4,}|\*{3,}|\.{3}|…|[<>{}]|your|example|placeholder|changeme|change_me|dummy|sample|redacted|hidden|password|1234567|abcdef|todo|示例|你的|您的|填写|替换/i;

/** entropyOf is Shannon's entropy of a text in bits a character. */
export const entropyOf = (text: string): number => {
  const counts = new Map<string, number>();
  for (const sign of text) counts.set(sign, (counts.get(sign) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => sum - (count / text.length) * Math.log2(count / text.length), 0);
};

/** isPlaceholder says whether a text only shows where a secret belongs. */
export const isPlaceholder = (text: string): boolean => placeholder.test(text) || new Set(text).size < Math.min(8, text.length / 2);

/** looksRandom says whether a text has the length, the signs and the entropy of something that was drawn. */
export const looksRandom = (text: string): boolean =>
  text.length >= 16 && text.length <= 500 && /\d/.test(text) && /[A-Za-z]/.test(text) && /^[\w+/=.~:-]+$/.test(text) && entropyOf(text) >= 3.2 && !isPlaceholder(text);

/** Shaped is a secret that was found by its shape; `text` is never shown. */
export interface Shaped {
  readonly what: string;
  readonly text: string;
  readonly index: number;
}

/** isPlainWords says whether a text is words with hyphens; a key of SiliconFlow is small letters alone, but 48 in a row. */
const isPlainWords = (text: string): boolean => /^[a-z]{1,24}(?:-[a-z]{1,24})*$/i.test(text);

/** isKey says whether what has a secret's shape is one, and no words or placeholder. */
const isKey = (what: string, found: string): boolean => what.startsWith('a private') || (!isPlainWords(found) && !isPlaceholder(found));

/** shapedIn finds the first secret in a text, of the most telling shape; a placeholder before it hides it as little as one behind it. */
export const shapedIn = (text: string): readonly Shaped[] => {
  if (text.length < 16 || !prefilter.test(text)) return [];
  for (const { what, pattern } of shapes) {
    if (!pattern.test(text)) continue;
    for (const match of text.matchAll(new RegExp(pattern, `g${pattern.flags}`))) if (isKey(what, match[0])) return [{ what, text: match[0], index: match.index }];
  }
  return [];
};

/** withoutShaped puts something else in the place of every secret of a known shape; of a private key, of all of it. */
export const withoutShaped = (text: string, hide: (secret: string) => string): string => {
  if (text.length < 16 || !prefilter.test(text)) return text;
  return shapes.reduce((rest, { what, pattern }) => {
    const whole = what.startsWith('a private');
    const all = new RegExp(whole ? `${pattern.source}[^]*?(?:-----END (?:[A-Z]+ )*PRIVATE KEY-----|$)` : pattern.source, `g${pattern.flags}`);
    return rest.replace(all, (found) => (isKey(what, found) ? hide(found) : found));
  }, text);
};
