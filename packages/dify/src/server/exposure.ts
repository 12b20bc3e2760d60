import type { Capability, Exposure, ExposureRow, Served } from '@sluice/core';
import { hasGraph, type Mode } from '../source/dsl.ts';

const row = (step: string, served: Served, note: string): ExposureRow => ({ step, served, note });

const untouched: readonly ExposureRow[] = [row('validate', 'nobody', 'nothing is written'), row('snapshot', 'nobody', 'nothing is written')];

const before: readonly ExposureRow[] = [
  ...untouched,
  row('deploy', 'nobody', 'only the draft is written'),
  row('health-check candidate', 'nobody', 'the draft is run through the console'),
];

const withoutGateway: Exposure = {
  title: 'Dify, no gateway',
  rows: [
    ...before,
    row('canary', 'nobody', 'paired answers of the draft and the published version'),
    row('publish-version', 'everybody', 'publishing switches all users at once; the draft must still be the judged one'),
    row('health-check live', 'everybody', "asked at the users' own address"),
  ],
  bypasses: [],
};

const withGateway: Exposure = {
  title: 'Dify behind a gateway',
  rows: [
    ...before,
    row('publish-version', 'nobody', 'the stable version is pinned and read back first; nobody behind the gateway gets the new one'),
    row('canary', 'a share', 'the gateway pins a version for each user, by weight'),
    row('health-check live', 'everybody', 'the gateway pins the new version for everybody'),
  ],
  bypasses: [
    'the web app and embedded chats run the published version',
    'the MCP server runs the published version',
    'Explore runs the published version',
    'triggers (schedule, webhook, plugin) run the published version',
    'its tool in other apps runs the published version',
    'clients that call the service API directly get the published version',
  ],
};

const withTwin: Exposure = {
  title: 'Dify with a twin behind a gateway',
  rows: [
    ...untouched,
    row('deploy', 'nobody', 'the twin is written and published; the gateway sends nobody there'),
    row('health-check candidate', 'nobody', 'the twin is asked with its own key, straight at the service API'),
    row('canary', 'a share', "the gateway swaps the key of a share of the users for the twin's; after a pass, of everybody"),
    row('publish-version', 'everybody', 'the app itself gets what was judged in the twin, and the gateway sends everybody to it'),
    row('health-check live', 'everybody', "asked at the users' own address"),
  ],
  bypasses: [
    "the app's own web app, MCP server, Explore, triggers and tool in other apps run its old version until publish-version",
    "the twin's own ones run the candidate as soon as it is deployed, if they are open",
    'clients that call the service API directly, or whose key is not in the list of keys, get the app itself',
  ],
};

const withoutGraph: Exposure = {
  title: 'Dify app without versions',
  rows: [
    ...untouched,
    row('deploy', 'everybody', 'the configuration is live at once; it needs live-at-once: true'),
    row('publish-version', 'everybody', 'there is nothing to publish'),
    row('health-check live', 'everybody', "asked at the users' own address"),
  ],
  bypasses: [],
};

/** difyExposures are the tables of all kinds of Dify targets. */
export const difyExposures: readonly Exposure[] = [withoutGateway, withGateway, withTwin, withoutGraph];

/** exposureOf is the order of a release and who meets the candidate after each step. */
export const exposureOf = (mode: Mode, gateway: boolean): Exposure =>
  !hasGraph(mode) ? withoutGraph : gateway ? withGateway : withoutGateway;

/** exposureWithTwin is the order of a release of an app that has a twin, and who meets the candidate after each step. */
export const exposureWithTwin = withTwin;

/** lackingWithTwin says why capabilities are absent where an app has a twin. */
export const lackingWithTwin = (mode: Mode): Readonly<Partial<Record<Capability, string>>> => {
  if (hasGraph(mode)) return {};
  const none = `${mode} apps of Dify have one configuration and no versions`;
  const unlisted = `Dify's console lists no runs of ${mode} apps by version`;
  return { mark: none, logs: unlisted, entries: unlisted };
};

const waysOut =
  'Dify splits no traffic by itself; put a gateway in front of it (gateway: in sluice.yml), or use canary: true, which judges paired answers before anybody sees the new version';

/** lackingOf says why capabilities are absent. */
export const lackingOf = (mode: Mode, gateway: boolean): Readonly<Partial<Record<Capability, string>>> => {
  if (!hasGraph(mode)) {
    const none = `${mode} apps of Dify have one configuration, which is live at once: no draft, no versions`;
    return { traffic: `${none}, so no traffic can be split`, openCandidate: none, versions: none, mark: none, logs: `${none}, so runs cannot be told apart`, entries: `Dify's console lists no runs of ${mode} apps` };
  }
  return gateway ? {} : { traffic: waysOut };
};
