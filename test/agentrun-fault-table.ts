import type { Rule, Verdict } from './fault-proxy.ts';
import { agentFile, lineOf, type Scene, type SceneOptions } from './agentrun-fault-world.ts';
import { done, events, html, json, torn, verdictsBy, type Ends } from './fault-verdicts.ts';

/** Fault is what goes wrong in a first run, and how that run and the same one without the fault have to end. */
export interface Fault {
  readonly name: string;
  /** alone is for a fault that changes the lab for all scenes. */
  readonly alone?: true;
  readonly scene?: SceneOptions;
  readonly argv: readonly string[];
  /** before are runs that come before the fault. */
  readonly before?: readonly (readonly string[])[];
  readonly rule?: (scene: Scene) => Rule;
  /** prepare changes the scene before the first run, mend between the two. */
  readonly prepare?: (scene: Scene) => Promise<void> | void;
  readonly mend?: (scene: Scene) => Promise<void> | void;
  readonly environment?: (scene: Scene) => Readonly<Record<string, string>>;
  readonly first: Ends;
  /** logs is found in what the first run says on the way. */
  readonly logs?: RegExp;
  /** second is the same run without the fault: it passes when absent, and is left out where nothing reached the server that could matter. */
  readonly second?: Ends | 'none';
  /** sent are how many requests of a kind the first run sends, whatever became of them. */
  readonly sent?: readonly (readonly [pattern: RegExp, times: number])[];
  /** after is the truth after both runs. */
  readonly after?: { readonly versions?: number; readonly target?: string; readonly share?: number };
}

const list = /^GET \/runtimes$/;
const read = /^GET \/runtimes\/:id$/;
const updating = /^PUT \/runtimes\/:id$/;
const creating = /^POST \/runtimes$/;
const publishing = /^POST \/runtimes\/:id\/versions$/;
const opening = /^POST \/runtimes\/:id\/endpoints$/;
const closing = /^DELETE \/runtimes\/:id\/endpoints\/:side$/;
const routing = /^PUT \/runtimes\/:id\/endpoints\/:users$/;
const usersEndpoint = /^GET \/runtimes\/:id\/endpoints\/:users$/;
const sideEndpoint = /^GET \/runtimes\/:id\/endpoints\/:side$/;
const asking = /^POST \/:agent\/production\/chat\/completions$/;
const sts = /^GET \/credentials$/;

const { every, once, from, doing } = verdictsBy(lineOf);

const refused = (status: number, code: string, message: string): Verdict => json(status, { code, message, requestId: 'R-5DA1' });
const gate = (status: number, Code: string, Message: string, headers: Readonly<Record<string, string>> = {}): Verdict => json(status, { Code, Message, RequestId: 'R-5DA1' }, { headers });
const busy = (headers: Readonly<Record<string, string>>): Verdict => gate(400, 'Throttling.User', 'Request was denied due to user flow control.', headers);
const failed500 = refused(500, 'ERR_INTERNAL_SERVER_ERROR', '存储 quota service is down');
const stateOf = (status: string): Verdict => ({ changed: (body) => body.replaceAll(/"status":"[A-Z]+"/g, `"status":"${status}"`) });

const deploy = ['deploy'] as const;
const publish = ['publish-version'] as const;
const set = ['canary', '--mode', 'set', '--weight', '10%', '--candidate', '2'] as const;
const promote = ['canary', '--mode', 'promote'] as const;
const abort = ['canary', '--mode', 'abort'] as const;
const health = ['health-check'] as const;
const release = ['release'] as const;

/** published has a second version beside the users', and share has it on a tenth of them. */
const published = { prepare: ({ lab, runtime }: Scene) => lab.publish(runtime, 1) } as const;
const share = { ...published, before: [set] } as const;

/** unharmed is a first run that changed nothing, so that a second one shows nothing new. */
const unharmed = { second: 'none', after: { versions: 1, target: '1' } } as const;

const way: readonly Fault[] = [
  { name: 'nobody listens', argv: deploy, rule: every(/./, 'gone'), first: { code: 4, says: /nothing listens at this address|the connection was cut/, hint: /./ }, ...unharmed },
  { name: "the address is a web page's: HTML with 200", argv: deploy, rule: every(/./, html(200)), first: { code: 4, says: /HTML, not JSON/, hint: /region in s\.yaml.*agentrun\.control/ }, sent: [[/./, 1]], ...unharmed },
  { name: 'a page of 502, for ever', argv: deploy, rule: every(/./, html(502)), first: { code: 4, says: /HTTP 502[^]*网关/, hint: /again in a few minutes/ }, sent: [[list, 4]], ...unharmed },
  { name: '500 in the words of AgentRun', argv: deploy, rule: every(read, failed500), first: { code: 4, says: /存储 quota service is down[^]*ERR_INTERNAL_SERVER_ERROR.*R-5DA1/, hint: /request id R-5DA1/ }, ...unharmed },
  { name: 'an error inside of HTTP 200', argv: deploy, rule: every(read, refused(200, 'ERR_BAD_REQUEST', '运行时 is locked')), first: { code: 4, says: /运行时 is locked/, hint: /./ }, sent: [[read, 1]], ...unharmed },
  { name: 'an empty code on a good status', argv: deploy, rule: every(/^GET/, { changed: (body) => body.replace('"code":"SUCCESS"', '"code":""') }), first: { code: 0 }, second: 'none' },
  { name: 'a connection that is cut in the middle of one answer', argv: deploy, rule: once(read, 'half'), first: { code: 0 }, second: 'none' },
  { name: 'a connection that is reset once before the request arrives', argv: deploy, rule: once(list, 'cut before'), first: { code: 0 }, second: 'none' },
  { name: 'a connection that is cut in the middle of every answer', argv: deploy, rule: every(read, 'half'), first: { code: 4, says: /cut before the answer was complete/, hint: /./ }, sent: [[read, 4]], ...unharmed },
  { name: 'JSON that breaks off, with 200', argv: deploy, rule: every(read, torn), first: { code: 4, says: /JSON that breaks off or is damaged/, hint: /./ }, sent: [[read, 1]], ...unharmed },
  { name: 'JSON of another shape', argv: deploy, rule: every(read, json(200, { code: 'SUCCESS', data: { id: 7 } })), first: { code: 4, says: /agentRuntimeId/, hint: /./ }, ...unharmed },
  { name: 'a read that is never answered ends with the step', argv: [...deploy, '--deadline', '2s'], rule: every(read, 'hang'), first: { code: 5, says: /no answer within [\d.]+ s|deadline of 2 s/, hint: /./ }, ...unharmed },
];

const keys: readonly Fault[] = [
  { name: 'a wrong secret', argv: deploy, environment: () => ({ ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'not-the-secret-of-this-key' }), first: { code: 3, says: /does not accept the access key[^]*SignatureDoesNotMatch/, hint: /secret/ }, sent: [[/./, 1]], ...unharmed },
  { name: 'a right taken away before the publication', argv: publish, before: [deploy], rule: every(publishing, gate(403, 'NoPermission', 'You are not authorized to do this action. Action: agentrun:PublishRuntimeVersion')), first: { code: 3, says: /agentrun:PublishRuntimeVersion/, hint: /docs\/ram-policies\.md/ }, sent: [[publishing, 1]], after: { versions: 2 } },
  { name: 'a token that ends half-way is renewed once', alone: true, argv: deploy, environment: rotating, rule: doing(updating, ({ lab }) => lab.expireSessions()), first: { code: 0 }, second: 'none', sent: [[sts, 2], [updating, 2]] },
  { name: 'a token that is refused for ever is renewed once', argv: deploy, environment: rotating, rule: every(updating, gate(400, 'InvalidSecurityToken.Expired', 'Specified SecurityToken is expired.')), first: { code: 3, says: /SecurityToken is expired|does not accept/, hint: /./ }, second: {code: 0 }, sent: [[sts, 2], [updating, 2]] },
  { name: 'a clock that differs', argv: deploy, rule: every(list, gate(400, 'InvalidTimeStamp.Expired', 'Specified time stamp or date value is expired.')), first: { code: 2, says: /the clock of this machine/, hint: /Set the clock/ }, sent: [[list, 1]], ...unharmed },
  { name: "another region's address", argv: deploy, scene: { agentrun: { control: 'https://agentrun.cn-beijing.aliyuncs.com' } }, first: { code: 2, says: /region cn-beijing, and s\.yaml names region cn-hangzhou/, hint: /Correct the region/ }, sent: [[/./, 0]], ...unharmed },
  { name: 'a runtime of another region than s.yaml names', argv: deploy, scene: { region: 'cn-shanghai' }, first: { code: 2, says: /in region cn-hangzhou, and s\.yaml names region cn-shanghai/, hint: /Correct the region/ }, ...unharmed },
  { name: 'a region that does not exist', argv: deploy, scene: { region: 'cn-hangzhuo' }, first: { code: 1, says: /region must be one of/, hint: /validate/ }, sent: [[/./, 0]], ...unharmed },
  { name: 'credentials of another account', argv: deploy, scene: { agentrun: { account: '1234567890123456' } }, first: { code: 2, says: /sluice\.yml names account 1234567890123456/, hint: /agentrun\.account/ }, sent: [[list, 0]], ...unharmed },
  { name: 'an unknown runtime', argv: deploy, prepare: ({ write }) => write('s.yaml', agentFile('nobody-knows-it')), first: { code: 2, says: /no runtime named "nobody-knows-it"/, hint: /--create/ }, ...unharmed },
  { name: 'an unknown runtime, to publish', argv: publish, prepare: ({ write }) => write('s.yaml', agentFile('nobody-knows-it')), first: { code: 2, says: /no runtime named "nobody-knows-it"/, hint: /name and the region/ }, ...unharmed },
  { name: 'a version that is missing', argv: ['rollback', '--version', '77'], first: { code: 2, says: /77/, hint: /Published are 1\./ }, sent: [[routing, 0]], ...unharmed },
];

const throttled: readonly Fault[] = [
  { name: 'throttled for ever', argv: deploy, rule: every(read, busy({ 'retry-after': '0' })), first: { code: 4, says: /refuses more requests for now: Request was denied due to user flow control/, hint: /a few minutes/ }, sent: [[read, 4]], ...unharmed },
  { name: 'throttled for an hour', argv: deploy, rule: every(read, json(429, { Code: 'Throttling.User', Message: 'slow down' }, { headers: { 'x-acs-retry-after': '3600000' } })), first: { code: 4, says: /refuses more requests for now: slow down, and it asks to wait 1 h/, hint: /after that time/ }, sent: [[read, 1]], ...unharmed },
  { name: 'throttled for longer than the step has', argv: [...deploy, '--deadline', '10s'], rule: every(read, busy({ 'x-acs-retry-after': '60' })), first: { code: 4, says: /it asks to wait (?:60 s|1 ?m)/, hint: /after that time/ }, sent: [[read, 1]], ...unharmed },
  { name: 'a write that is throttled once', argv: publish, before: [deploy], rule: once(publishing, busy({ 'x-acs-retry-after': '0' })), first: { code: 0 }, second: { code: 0 }, sent: [[publishing, 2]], after: { versions: 2 } },
];

/** lost are the ways in which an answer can get lost after the platform has carried the request out. */
const lost: readonly (readonly [name: string, verdict: Verdict])[] = [
  ['is cut', 'cut after'],
  ['is a page of 200', html(200, done)],
];

const writes: readonly Fault[] = [
  ...lost.flatMap(([name, verdict]): Fault[] => [
    { name: `the deployment's answer ${name}`, argv: deploy, rule: once(updating, verdict), first: { code: 0 }, second: 'none' },
    { name: `the publication's answer ${name}`, argv: publish, before: [deploy], rule: every(publishing, verdict), first: { code: 0 }, sent: [[publishing, 1]], after: { versions: 2, target: '1' } },
    { name: `the answer to the weight ${name}`, argv: set, ...published, rule: once(routing, verdict), first: { code: 0 }, after: { versions: 2, target: '1', share: 0.1 } },
  ]),
  { name: "the publication's answer is an internal error, although it was carried out", argv: publish, before: [deploy], rule: every(publishing, json(200, { code: 'ERR_INTERNAL_SERVER_ERROR', message: 'x' }, done)), first: { code: 0 }, sent: [[publishing, 1]], after: { versions: 2, target: '1' } },
  { name: "the promotion's answer breaks off", argv: promote, ...share, rule: once(routing, 'half'), first: { code: 0 }, second: 'none', after: { versions: 2, target: '2', share: 0 } },
  { name: "the abort's answer is lost", argv: abort, ...share, rule: once(routing, 'cut after'), first: { code: 0 }, after: { versions: 2, target: '1', share: 0 } },
  { name: "the runtime's creation is lost", scene: { missing: true }, argv: [...deploy, '--create'], rule: every(creating, 'cut after'), first: { code: 0 }, sent: [[creating, 1]], second: { code: 0 } },
  { name: 'the deployment never arrives', argv: deploy, rule: every(updating, 'cut before'), first: { code: 4, says: /cut before the answer/, hint: /./ }, sent: [[updating, 4]] },
  { name: 'the publication never arrives', argv: publish, before: [deploy], rule: every(publishing, 'cut before'), first: { code: 4, says: /cut before the answer/, hint: /./ }, sent: [[publishing, 1]], after: { versions: 2, target: '1' } },
  { name: 'the weight never arrives', argv: set, ...published, rule: every(routing, 'cut before'), first: { code: 4, says: /cut before the answer/, hint: /./ }, after: { versions: 2, target: '1', share: 0.1 } },
  { name: 'the weight is refused', argv: set, ...published, rule: every(routing, refused(400, 'ERR_VALIDATION_FAILED', '权重 must be below 0.05')), first: { code: 4, says: /权重 must be below 0\.05/, hint: /agentrun: \{ weights: percent \}/ }, sent: [[routing, 1]], after: { versions: 2, target: '1', share: 0.1 } },
  { name: 'the endpoint is being changed by others', argv: set, ...published, rule: every(routing, refused(409, 'ERR_RESOURCE_CONFLICT', 'endpoint is updating')), first: { code: 7, says: /being changed: endpoint is updating/, hint: /./ }, sent: [[routing, 1]], after: { versions: 2, target: '1', share: 0.1 } },
  { name: 'the server is gone after the publication', argv: publish, before: [deploy], rule: from(publishing, 'gone after', 'gone'), first: { code: 4, says: /cut before the answer|nothing listens/, hint: /./ }, after: { versions: 2, target: '1' } },
  { name: 'the server is gone after the weight', argv: set, ...published, rule: from(routing, 'gone after', 'gone'), first: { code: 4, says: /cut before the answer|nothing listens/, hint: /./ }, after: { versions: 2, target: '1', share: 0.1 } },
  { name: 'a routing that nobody asked for reads back', argv: set, ...published, rule: from(routing, 'pass', { changed: (body) => body.replace('"weight":0.1', '"weight":0.7') }, usersEndpoint), first: { code: 4, says: /was set to 10 %[^]*reads back as 70 %/, hint: /AgentRun console/ }, after: { versions: 2, target: '1', share: 0.1 } },
];

const states: readonly Fault[] = [
  { name: 'a runtime that stays UPDATING', argv: [...deploy, '--deadline', '12s'], rule: from(updating, 'pass', stateOf('UPDATING'), read), first: { code: 5, says: /runtime ar-\w+ is UPDATING, and the time of the step is over/, hint: /deadline/ }, logs: /waiting for runtime ar-\w+: UPDATING/, second: { code: 0 } },
  { name: 'an endpoint that stays CREATING', argv: [...release, '--deadline', '15s'], rule: every(sideEndpoint, stateOf('CREATING')), first: { code: 5, says: /endpoint "sluice-production-latest" is CREATING, and the time of the step is over/, hint: /deadline/ }, logs: /waiting for endpoint "sluice-production-latest": CREATING/, sent: [[closing, 1]], after: { versions: 2, target: '2' } },
  {
    name: 'a runtime that fails, with its last lines', argv: deploy, scene: { logs: { project: 'orders', logstore: 'agents' }, more: { logConfig: { project: 'orders', logstore: 'agents' } } },
    prepare: ({ lab, runtime }) => {
      lab.writeLine(runtime, '1', 'Error: 端口 9000 is in use');
      lab.failNext('runtime', 'the agent did not open its port', runtime);
    },
    first: { code: 4, says: /UPDATE_FAILED: the agent did not open its port/, hint: /Users keep what they had/ },
    logs: /its log ends with: Error: 端口 9000 is in use/,
  },
];

const sse = (delta: object, finish: string | null = null): string => `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const said = (content: string, finish_reason = 'stop'): Verdict => json(200, { id: 'c', object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason }] });

const chats: readonly Fault[] = [
  { name: 'finish_reason error inside of HTTP 200', argv: health, rule: every(asking, said('Error: 模型 quota', 'error')), first: { code: 1, says: /finish_reason "error".*模型 quota/, hint: /./ }, ...unharmed },
  { name: 'an answer without content', argv: health, rule: every(asking, said('')), first: { code: 1, says: /the answer is empty/, hint: /./ }, ...unharmed },
  { name: 'a page in place of an answer', argv: health, rule: every(asking, html(200)), first: { code: 1, says: /not a chat completion/, hint: /./ }, ...unharmed },
  { name: '500 in place of an answer', argv: health, rule: every(asking, json(500, { error: { message: '模型 is gone', type: 'server_error' } })), first: { code: 1, says: /HTTP 500, the agent answered with an error: 模型 is gone/, hint: /./ }, ...unharmed },
  { name: 'a question that is never answered', argv: [...health, '--deadline', '2s'], rule: every(asking, 'hang'), first: { code: 5, says: /2 s/, hint: /./ }, ...unharmed },
  { name: 'a stream that is cut, where none was asked for', argv: health, rule: every(asking, events(sse({ content: 'answer' }), 'cut')), first: { code: 1, says: /cut|not a chat completion/, hint: /./ }, ...unharmed },
  { name: 'an agent that wants a credential', argv: health, rule: every(asking, json(401, { message: 'no key' })), first: { code: 3, says: /does not accept the call/, hint: /AGENTRUN_API_KEY/ }, ...unharmed },
];

/** rotating takes credentials from an address, through the proxy, so that each renewal is a request. */
function rotating({ proxy }: Scene): Readonly<Record<string, string>> {
  return { ALIBABA_CLOUD_ACCESS_KEY_ID: '', ALIBABA_CLOUD_ACCESS_KEY_SECRET: '', ALIBABA_CLOUD_CREDENTIALS_URI: `${proxy.origin}/credentials` };
}

/** releases fail in the middle of a whole release; what it has opened beside the users it takes away. */
const releases: readonly Fault[] = [
  { name: "a side endpoint's creation is lost", argv: release, rule: once(opening, 'cut after'), first: { code: 0 }, second: 'none', sent: [[publishing, 1]], after: { versions: 2, target: '2', share: 0 } },
  { name: "a side endpoint's deletion is lost", argv: release, rule: every(closing, { changed: () => '' }), first: { code: 0 }, second: 'none', after: { versions: 2, target: '2', share: 0 } },
];

/** faults are all of them; the longest come first. */
export const faults: readonly Fault[] = [...states, ...releases, ...way, ...keys, ...throttled, ...writes, ...chats];
