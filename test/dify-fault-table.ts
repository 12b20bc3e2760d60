import type { Page, Rule, Seen } from './fault-proxy.ts';
import type { Scene } from './dify-fault-world.ts';
import { bomb, done, events, html, huge, json, torn, verdictsBy, type Ends } from './fault-verdicts.ts';

/** Fault is what goes wrong in a first run, and how that run and a second one without the fault have to end. */
export interface Fault {
  readonly name: string;
  /** prepare changes the scene before the first run, mend between the two. */
  readonly prepare?: (scene: Scene) => Promise<void>;
  readonly mend?: (scene: Scene) => Promise<void>;
  readonly rule?: (scene: Scene) => Rule;
  /** argv is the first run; a release when absent. The second is always a release. */
  readonly argv?: readonly string[];
  /** before are runs that come before the fault. */
  readonly before?: readonly (readonly string[])[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly first: Ends;
  /** second ends with exit code 0, and with the new version live, when absent. */
  readonly second?: Ends;
  /** imports and publishes are how many of them have reached the server after the first run, and after both. */
  readonly imports: readonly [first: number, both: number];
  readonly publishes: readonly [first: number, both: number];
  /** logins are how many passwords the first run has sent; one when absent. */
  readonly logins?: number;
}

/** lineOf names a request as the patterns below do: `POST /apps/:app/workflows/publish`, `POST /v1/chat-messages`. */
export const lineOf = (scene: Scene, { method, path }: Seen): string => `${method} ${path.replace('/console/api', '').replace(scene.app, ':app').replace(/\?.*$/, '')}`;

export const importing = /^POST \/apps\/imports$/;
export const publishing = /^POST \/apps\/:app\/workflows\/publish$/;
const draft = /^GET \/apps\/:app\/workflows\/draft$/;
const published = /^GET \/apps\/:app\/workflows\/publish$/;
const entry = /^GET \/apps\/:app$/;
const exporting = /^GET \/apps\/:app\/export$/;
const draftRun = /^POST \/apps\/:app\/advanced-chat\/workflows\/draft\/run$/;
const asking = /^POST \/v1\/chat-messages$/;
const login = /^POST \/login$/;
const everything = /./;

const { every, once, from, doing } = verdictsBy(lineOf);

const diskFull = json(500, { code: 'internal_server_error', message: '(psycopg2.errors.DiskFull) could not extend file "base/16384/2619": No space left on device', status: 500 });
const forbidden = json(403, { code: 'forbidden', message: "You don't have the permission to access the requested resource. It is either read-protected or not readable by the server.", status: 403 });
const ended = json(401, { code: 'unauthorized', message: 'Token has expired.', status: 401 });
const noApp = json(404, { code: 'app_not_found', message: 'App not found.', status: 404 });

/** gbk is an error in Chinese whose bytes are not the UTF-8 that JSON has. */
const gbk: Page = { status: 400, body: Buffer.concat([Buffer.from('{"code":"invalid_param","message":"'), Buffer.from([0xc7, 0xeb, 0xc7, 0xf3, 0xb4, 0xed, 0xce, 0xf3]), Buffer.from(' disk","status":400}')]), headers: { 'content-type': 'application/json; charset=gbk' } };

const begun = 'data: {"event":"workflow_started","data":{"workflow_id":"0b8f3f0e-52c5-4b0e-8b64-1d3a36a1f009"}}\n\ndata: {"event":"message","answer":"new 新"}\n\n';

const again = /[Rr]un the release again/;
const address = /Check the address/;

/** nothingDone is a first run that wrote nothing. */
const nothingDone = { imports: [0, 1], publishes: [0, 1] } as const;
/** deployed is a first run that ended between import and publication: the second run imports nothing again. */
const deployed = { imports: [1, 1], publishes: [0, 1] } as const;
/** released is a run that came to its end. */
const released = { imports: [1, 1], publishes: [1, 1] } as const;
/** notSent is an import that never reached the server. */
const notImported = { imports: [0, 1], publishes: [0, 1] } as const;
/** putBack is a release that went back after its publication: the good version was published again, and the new one once more by the second run. */
const putBack = { imports: [1, 2], publishes: [2, 3] } as const;

const newer = (scene: Scene): Promise<void> => scene.change((text) => text.replace(/^version: '.*'$/m, "version: '9.0.0'"));

const toConsole = (method: string, path: string, body?: object) => async ({ world, app }: Scene): Promise<void> => {
  const { status } = await world.console(method, path.replace(':app', app), body);
  if (status >= 400) throw new Error(`${method} ${path} was answered by HTTP ${status}`);
};

/** slow are waited for by the clock: a call may take 30 seconds. They come first, so that the others run beside them. */
const slow: readonly Fault[] = [
  { name: 'a read that is never answered', rule: every(draft, 'hang'), first: { code: 5, says: /no answer within 30 s/, hint: /load of the server/ }, ...nothingDone },
  { name: "the import's answer never comes", rule: every(importing, 'hang'), first: { code: 0 }, ...released },
  { name: "the publication's answer never comes", rule: every(publishing, 'hang'), first: { code: 0 }, ...released },
];

const way: readonly Fault[] = [
  { name: 'nobody listens', rule: every(everything, 'gone'), first: { code: 4, says: /nothing listens at this address|the connection was cut/, hint: /server/ }, logins: 0, ...nothingDone },
  { name: "the address is the web frontend's: HTML with 200 for every path", rule: every(everything, html(200)), first: { code: 4, says: /HTML, not JSON: is the address right\?/, hint: address }, logins: 0, ...nothingDone },
  { name: '/health and /v1 answer HTML with 200', rule: every(/ \/(?:v1|health)/, html(200)), first: { code: 4, says: /HTML, not JSON.*service API at/, hint: /name it: dify: \{ console: …, app: …, api: … \}/ }, ...deployed },
  { name: '502 with a page, from the first request on', rule: every(everything, html(502)), first: { code: 4, says: /HTTP 502 and no JSON/, hint: address }, logins: 0, ...nothingDone },
  { name: 'a redirect to another origin', rule: every(everything, { status: 302, body: '', headers: { location: 'https://sso.example.com/login?next=%2F' } }), first: { code: 4, says: /redirects to https:\/\/sso\.example\.com; no redirect to another origin is followed/, hint: /login page or a proxy/ }, logins: 0, ...nothingDone },
  { name: 'a redirect to https', rule: (scene) => ({ path }) => ({ status: 301, body: '', headers: { location: `${scene.proxy.origin.replace('http:', 'https:')}${path}` } }), first: { code: 4, says: /no redirect to another origin is followed/, hint: /Write the address with https/ }, logins: 0, ...nothingDone },
  { name: 'a redirect of a read within the origin is followed', rule: (scene) => (seen) => (entry.test(lineOf(scene, seen)) && !seen.path.includes('?') ? { status: 307, body: '', headers: { location: `${seen.path}?again=1` } } : 'pass'), first: { code: 0 }, ...released },
  { name: 'a redirect of the import within the origin', rule: every(importing, { status: 307, body: '', headers: { location: '/console/api/apps/imports/' } }), first: { code: 4, says: /a redirect, not JSON/, hint: again }, ...notImported },
  { name: 'a redirect of the publication within the origin', rule: every(publishing, { status: 301, body: '', headers: { location: '/console/api/elsewhere' } }), first: { code: 4, says: /a redirect, not JSON/, hint: address }, ...deployed },
  { name: 'a body of 100 MB', rule: every(draft, huge), first: { code: 4, says: /the server sent more than 20/, hint: address }, ...nothingDone },
  { name: 'a gzip bomb', rule: every(entry, bomb), first: { code: 4, says: /a body in the encoding gzip, which was not asked for/, hint: /proxy in front/ }, ...nothingDone },
  { name: 'JSON that breaks off, with 200', rule: every(draft, torn), first: { code: 4, says: /JSON that breaks off or is damaged/, hint: address }, ...nothingDone },
  { name: 'a connection that is cut in the middle of every answer', rule: every(draft, 'half'), first: { code: 4, says: /cut before the answer was complete/, hint: /look at the server or the proxy/ }, ...nothingDone },
  { name: 'a connection that is cut in the middle of one answer', rule: once(draft, 'half'), first: { code: 0 }, ...released },
  { name: 'an error in another charset than UTF-8', rule: every(entry, gbk), first: { code: 4, says: /Dify refused to read app .*disk/ }, ...nothingDone },
  { name: 'one 429 with Retry-After on a read', rule: once(draft, json(429, { code: 'too_many_requests', message: 'slow down', status: 429 }, { headers: { 'retry-after': '1' } })), first: { code: 0 }, ...released },
  { name: '429 with a Retry-After of an hour', rule: every(draft, json(429, { code: 'too_many_requests', message: '请求过多', status: 429 }, { headers: { 'retry-after': '3600' } })), first: { code: 4, says: /Dify refused to read the draft.*请求过多/, hint: /slow down.*Then run this again/ }, ...nothingDone },
];

const session: readonly Fault[] = [
  { name: 'a wrong password: one try', environment: { DIFY_PASSWORD: 'wrong-password-1' }, first: { code: 3, says: /Dify refused the login[^]*Invalid email or password/, hint: /five wrong passwords lock an account/ }, ...nothingDone },
  { name: 'an account that is locked: one try', rule: every(login, json(429, { code: 'too_many_failed_login_attempts', message: 'Too many incorrect password attempts. Please try again later.', status: 429 })), first: { code: 3, says: /locked this account/, hint: /24 hours/ }, logins: 0, ...nothingDone },
  { name: 'a login whose answer is lost', rule: every(login, 'cut after'), first: { code: 4, says: /cut before the answer/, hint: /Try again/ }, ...nothingDone },
  { name: 'a login answered by a page of 502', rule: every(login, html(502)), first: { code: 4, says: /Dify refused the login[^]*HTTP 502/, hint: /log/ }, logins: 0, ...nothingDone },
  { name: 'a session that ends in the middle and can be renewed', rule: once(/^POST \/apps\/imports$/, ended), first: { code: 0 }, ...released },
  { name: 'a session that ends before the publication and can be renewed', rule: once(publishing, ended), first: { code: 0 }, ...released },
  { name: 'a session that ends in the middle and cannot be renewed', rule: from(importing, 'pass', ended), first: { code: 3, says: /Token has expired|the session has ended/, hint: /again|log in/i }, ...deployed },
  { name: 'a role taken away between deploy and publish', rule: every(publishing, forbidden), first: { code: 3, says: /Dify refused to publish app.*permission/, hint: /role/ }, ...deployed },
  { name: 'a role taken away before the import', rule: every(importing, forbidden), first: { code: 3, says: /Dify refused to write the draft.*permission/, hint: /role/ }, ...notImported },
  { name: 'a workspace switched by somebody after the import', rule: from(importing, 'pass', noApp, /\/apps\//), first: { code: 2, says: /App not found/, hint: /workspace/ }, ...deployed },
];

const app: readonly Fault[] = [
  { name: 'an app that was deleted before', prepare: toConsole('DELETE', '/apps/:app'), first: { code: 2, says: /the server has no app .* in this workspace/, hint: /Check the app id/ }, second: { code: 2, says: /the server has no app/ }, imports: [0, 0], publishes: [0, 0] },
  { name: 'an app that is deleted before its import', rule: doing(importing, toConsole('DELETE', '/apps/:app')), first: { code: 2, says: /the server has no app .* in this workspace/, hint: /Check the app id/ }, second: { code: 2, says: /the server has no app/ }, imports: [1, 1], publishes: [0, 0] },
  { name: 'an app that is deleted before its publication', rule: doing(publishing, toConsole('DELETE', '/apps/:app')), first: { code: 2, says: /App not found/, hint: /app id/ }, second: { code: 2, says: /the server has no app/ }, imports: [1, 1], publishes: [1, 1] },
  { name: 'ten API keys, and none that the console shows', rule: (scene) => (seen) => (lineOf(scene, seen).endsWith('/api-keys') ? (seen.method === 'GET' ? json(200, { data: [] }) : json(400, { custom: 'max_keys_exceeded', message: 'Cannot create more than 10 API keys for this resource type.' })) : 'pass'), first: { code: 2, says: /ten API keys already/, hint: /Delete one that nobody uses/ }, ...deployed },
  { name: 'a key whose answer is lost', rule: once(/^POST \/apps\/:app\/api-keys$/, 'cut after'), first: { code: 4, says: /cut before the answer/, hint: /Try again/ }, ...deployed },
  { name: 'a service API that is switched off', prepare: toConsole('POST', '/apps/:app/api-enable', { enable_api: false }), mend: toConsole('POST', '/apps/:app/api-enable', { enable_api: true }), first: { code: 3, says: /API service has been disabled/, hint: /API of the app is switched on/ }, ...deployed },
  { name: 'a plugin daemon that is down: the export is 500', rule: every(exporting, json(500, { code: 'internal_server_error', message: 'Failed to request plugin daemon, status: 502', status: 500 })), first: { code: 4, says: /Dify refused to export app.*plugin daemon/, hint: /Every export asks the plugin daemon/ }, ...nothingDone },
];

const writes: readonly Fault[] = [
  { name: 'the import is cut before it arrives', rule: every(importing, 'cut before'), first: { code: 4, says: /cut before the answer/, hint: again }, ...notImported },
  { name: "the import's answer is lost", rule: every(importing, 'cut after'), first: { code: 0 }, ...released },
  { name: "the import's answer breaks off", rule: every(importing, 'half'), first: { code: 0 }, ...released },
  { name: "the import's answer is a page of 502", rule: every(importing, html(502, done)), first: { code: 0 }, ...released },
  { name: "the import's answer is a page of 200", rule: every(importing, html(200, done)), first: { code: 0 }, ...released },
  { name: "the import's answer is damaged JSON", rule: every(importing, { ...torn, ...done }), first: { code: 0 }, ...released },
  { name: "the import's answer is a gzip bomb", rule: every(importing, { ...bomb, ...done }), first: { code: 0 }, ...released },
  { name: 'the import meets a full disk', rule: every(importing, diskFull), first: { code: 4, says: /No space left on device/, hint: again }, ...notImported },
  { name: 'the import is refused with 429 and Retry-After', rule: every(importing, json(429, { code: 'too_many_requests', message: 'slow down', status: 429 }, { headers: { 'retry-after': '1' } })), first: { code: 4, says: /429|slow down/, hint: /Then run this again/ }, ...notImported },
  { name: 'the server is gone after the import', rule: from(importing, 'gone after', 'gone'), first: { code: 4, says: /cut before the answer/, hint: /whether the draft was written is not known\. Run the release again/ }, ...deployed },
  { name: 'the server is gone between import and publish', rule: every(publishing, 'gone'), first: { code: 4, says: /cut before the answer|nothing listens/, hint: /./ }, ...deployed },
  { name: 'a confirmation that the server no longer waits for', prepare: newer, rule: every(/^POST \/apps\/imports\/[^/]+\/confirm$/, json(400, { id: '0b8f3f0e-52c5-4b0e-8b64-1d3a36a1f00f', status: 'failed', app_id: null, app_mode: null, current_dsl_version: '0.6.0', imported_dsl_version: '', error: 'Import information expired or does not exist' })), first: { code: 4, says: /no longer waits for the confirmation/, hint: /ten minutes/ }, imports: [1, 2], publishes: [0, 1] },
  { name: "a confirmation's answer is lost", prepare: newer, rule: once(/^POST \/apps\/imports\/[^/]+\/confirm$/, 'cut after'), first: { code: 0 }, ...released },
  { name: 'the publication is cut before it arrives', rule: every(publishing, 'cut before'), first: { code: 4, says: /cut before the answer/, hint: /Try again/ }, ...deployed },
  { name: "the publication's answer is lost", rule: every(publishing, 'cut after'), first: { code: 0 }, ...released },
  { name: "the publication's answer breaks off", rule: every(publishing, 'half'), first: { code: 0 }, ...released },
  { name: "the publication's answer is a page of 502", rule: every(publishing, html(502, done)), first: { code: 0 }, ...released },
  { name: "the publication's answer is a page of 200", rule: every(publishing, html(200, done)), first: { code: 0 }, ...released },
  { name: "the publication's answer is damaged JSON", rule: every(publishing, { ...torn, ...done }), first: { code: 0 }, ...released },
  { name: 'the publication meets a full disk', rule: every(publishing, diskFull), first: { code: 4, says: /No space left on device/ }, ...deployed },
  { name: 'the publication is refused with 429 and Retry-After', rule: every(publishing, json(429, { code: 'too_many_requests', message: 'slow down', status: 429 }, { headers: { 'retry-after': '1' } })), first: { code: 4, says: /slow down/ }, ...deployed },
  { name: 'the publication is refused', rule: every(publishing, json(400, { code: 'invalid_param', message: '节点 “回答” is not connected', status: 400 })), first: { code: 4, says: /Dify refused to publish app.*节点 “回答” is not connected/ }, ...deployed },
  { name: 'the publication is refused, since the version is in use', rule: every(publishing, json(400, { code: 'workflow_in_use', message: 'Cannot delete workflow that is currently in use by app', status: 400 })), first: { code: 4, says: /currently in use/ }, ...deployed },
  { name: 'the server is gone after the publication', rule: from(publishing, 'gone after', 'gone'), first: { code: 4, says: /./, hint: /Users may still meet the new version/ }, ...released },
];

const streams: readonly Fault[] = [
  { name: 'the stream of the draft is cut', rule: every(draftRun, events(begun, 'cut')), first: { code: 1, says: /cut before|stream/ }, ...deployed },
  { name: 'the stream of the draft ends before the run', rule: every(draftRun, events(begun, 'ended')), first: { code: 1, says: /the stream ended before the run did/ }, ...deployed },
  { name: 'the stream of the draft brings pings only', rule: every(draftRun, events('', 'pings')), argv: ['release', '--deadline', '15s'], first: { code: 5, says: /deadline/ }, ...deployed },
  { name: 'a page in place of the stream of the draft', rule: every(draftRun, html(200)), first: { code: 4, says: /no stream of events|HTML/ }, ...deployed },
  { name: 'a page of 502 in place of the stream of the draft', rule: every(draftRun, html(502)), first: { code: 1, says: /HTTP 502/ }, ...deployed },
  { name: 'the stream of the published app is cut', rule: every(asking, events(begun, 'cut')), first: { code: 1, says: /cut before.*live again/ }, ...putBack },
  { name: 'a page in place of the stream of the published app', rule: every(asking, html(200)), first: { code: 4, says: /HTML.*live again/ }, ...putBack },
  { name: 'the published version cannot be read back', rule: from(publishing, 'pass', html(502), published), first: { code: 4, says: /502[^]*could not be put back|could not be put back[^]*502/, hint: /Users may still meet the new version/ }, ...putBack },
];

/** faults are all of them. */
export const faults: readonly Fault[] = [...slow, ...way, ...session, ...app, ...writes, ...streams];
