import { done, failed, previewDescription, readPreviewMark, type Connection, type Outcome, type Preview, type Previews, type PreviewScope, type Source } from '@sluice/core';
import { mappingOf } from '../source/shape.ts';
import { isDifySource, type DifySource } from '../source/source.ts';
import { readAddress } from './address.ts';
import { mayHaveHappened } from './answer.ts';
import type { Application } from './application.ts';
import { appsWith } from './catalogue.ts';
import { appKey } from './key.ts';
import type { App, AppEntry } from './shapes.ts';
import { createTarget, openApplication } from './target.ts';
import { knownApp } from './versions.ts';

/** twinsMs covers the whole seconds of the server's times: of two apps that are further apart, everybody sees the same one as the older. */
const twinsMs = 3000;

/** appName is what a preview is called in Studio. */
const appName = (project: string, name: string): string => `${project} ${name}`;

/** isPreview tells the previews of a project: by the name that Sluice gave them, and by the mark that it alone writes. */
const isPreview = (project: string, { name, description }: Pick<App, 'name' | 'description'>): string | undefined => {
  const mark = readPreviewMark(description);
  return mark?.project === project && name === appName(project, mark.name) ? mark.name : undefined;
};

const bySeniority = (one: AppEntry, other: AppEntry): number => (one.created_at ?? 0) - (other.created_at ?? 0) || (one.id < other.id ? -1 : 1);

/** previewsOf lists the apps that are previews of a project, the oldest first. */
const previewsOf = async (application: Application, project: string): Promise<Outcome<readonly { readonly name: string; readonly entry: AppEntry }[]>> => {
  const all = await appsWith(application, `${project} `);
  if (!all.ok) return all;
  return done(
    [...all.value].sort(bySeniority).flatMap((entry) => {
      const name = isPreview(project, entry);
      return name === undefined ? [] : [{ name, entry }];
    }),
  );
};

/** apart refuses a workspace that has the app of another environment: whoever makes previews could change that app, too. */
const apart = async (application: Application, { others }: PreviewScope): Promise<Outcome<void>> => {
  for (const [name, environment] of Object.entries(others)) {
    const address = readAddress(environment);
    if (!address.ok || address.value.app === '' || address.value.console !== application.address.console) continue;
    const found = await application.console.app(address.value.app);
    if (!found.ok || found.value === undefined) continue;
    return failed({
      category: 'input',
      reason: `the previews would be made in the workspace of environment ${name}: the account sees its app ${address.value.app}`,
      tried: 'look for the apps of the other environments',
      where: application.address.studio,
      hint: 'Nothing was made. Give the previews a workspace of their own, and an account that is a member of that one alone.',
    });
  }
  return done(undefined);
};

const foreign = (application: Application, { id, name }: AppEntry): Outcome<never> =>
  failed({
    category: 'conflict',
    reason: `there is an app "${name}" (${id}) that Sluice did not make for a preview`,
    tried: 'find the preview',
    where: application.address.studio,
    hint: 'Rename that app in Studio, or give the preview another name with the input `name`. Sluice neither changes nor deletes what others made.',
  });

/** pageOf is the address of an app's own page (web: chat, workflow or completion, then the code of its site); Studio's where the server names no page. */
const pageOf = ({ address, mode }: Application, app: App): string => {
  const { code = '', app_base_url: base = '' } = app.site ?? {};
  if (code === '') return address.studio;
  const named = URL.canParse(base) ? new URL(base) : undefined;
  const usable = named !== undefined && (named.protocol === 'https:' || named.protocol === 'http:') && named.username === '' && named.password === '';
  const origin = usable ? base.replace(/\/+$/, '') : new URL(address.studio).origin;
  return `${origin}/${mode === 'workflow' || mode === 'completion' ? mode : 'chat'}/${encodeURIComponent(code)}`;
};

const show = async (application: Application): Promise<Outcome<string>> => {
  const app = await knownApp(application);
  if (!app.ok) return app;
  if (app.value.enable_site === false) {
    const shown = await application.console.showSite(application.id());
    if (!shown.ok) return shown;
  }
  return done(pageOf(application, app.value));
};

/** ofApp is the application of one preview; a key that is set belongs to another app, so that the preview's own is read. */
const ofApp = (base: Application, source: DifySource, found: string): Application => {
  let id = found;
  const studio = (): string => (id === '' ? base.address.studio : `${base.address.studio}/app/${id}`);
  const { connection, console } = base;
  const secrets = { ...connection.secrets, find: (name: string) => (name === 'DIFY_APP_KEY' ? undefined : connection.secrets.find(name)) };
  return {
    ...base,
    connection: { ...connection, secrets },
    address: {
      ...base.address,
      get app() {
        return id;
      },
      get studio() {
        return studio();
      },
    },
    source,
    mode: source.mode,
    id: () => id,
    created: (made) => {
      id = made;
    },
    key: appKey({ ...connection, secrets }, console, () => id),
  };
};

/** remove deletes a preview's app, if it still carries the mark, and sees that it is gone. */
const remove = async (application: Application, project: string, { name, application: id }: Preview): Promise<Outcome<void>> => {
  const app = await application.console.app(id);
  if (!app.ok) return app;
  if (app.value === undefined) return done(undefined);
  if (isPreview(project, app.value) !== name) {
    return failed({ category: 'conflict', reason: `app ${id} is not the preview ${name} any more: its name or its description was changed`, tried: 'delete the preview', where: application.address.studio, hint: 'Nothing was deleted. Delete it in Studio if nobody needs it.' });
  }
  const deleted = await application.console.deleteApp(id);
  if (!deleted.ok && !mayHaveHappened(deleted.problem)) return deleted;
  const after = await application.console.app(id);
  if (!after.ok) return after;
  if (after.value === undefined) return done(undefined);
  return deleted.ok ? failed({ category: 'platform', reason: `the server took the deletion of app ${id}, and still has it`, tried: 'delete the preview', where: application.address.studio, hint: 'Run this again, or delete the app in Studio.' }) : deleted;
};

const misplaced = (): Outcome<never> => failed({ category: 'defect', reason: 'a source of another platform was given to Dify' });

/** openPreviews gives the previews of a project in the workspace that an environment names. Each is an app of its own, live for whoever has its address. */
export const openPreviews = async (given: Connection, scope: PreviewScope): Promise<Outcome<Previews>> => {
  const { project } = scope;
  // Nobody but the reviewers of one pull request meets what is deployed here.
  const opened = await openApplication({ ...given, environment: { ...given.environment, 'live-at-once': true } });
  if (!opened.ok) return opened;
  const base = opened.value;
  let placed: Promise<Outcome<void>> | undefined;
  return done({
    twinsMs,
    list: async () => {
      const found = await previewsOf(base, project);
      return found.ok ? done(found.value.map(({ name, entry }) => previewOf(name, entry))) : found;
    },
    open: async (name: string, source: Source) => {
      if (!isDifySource(source)) return misplaced();
      const marked = source.with({ ...source.root, app: { ...mappingOf(source.root['app']), name: appName(project, name), description: previewDescription({ name, project }) } });
      placed ??= apart(base, scope);
      const own = await placed;
      if (!own.ok) return own;
      const all = await appsWith(base, appName(project, name));
      if (!all.ok) return all;
      const named = [...all.value].sort(bySeniority).filter((one) => one.name === appName(project, name));
      const found = named.find((one) => isPreview(project, one) === name);
      const [other] = named;
      if (found === undefined && other !== undefined) return foreign(base, other);
      const application = ofApp(base, marked, found?.id ?? '');
      return done({ target: createTarget(application), source: marked, show: () => show(application) });
    },
    remove: (preview) => remove(base, project, preview),
  });
};

const previewOf = (name: string, { id, updated_at: changed, created_at: made }: AppEntry): Preview => {
  const at = changed ?? made ?? undefined;
  return { name, application: id, ...(at === undefined ? {} : { changedAt: at * 1000 }) };
};
