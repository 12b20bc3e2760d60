import { done, type Outcome } from '@sluice/core';
import { jsonOf, shaped } from './answer.ts';
import type { Application } from './application.ts';
import { workflowPageShape, type Workflow } from './shapes.ts';
import { knownDraft } from './versions.ts';

/** Present is what an app holds: its draft, and its newest published versions, newest first. */
export interface Present {
  readonly draft: Workflow | undefined;
  readonly newest: readonly Workflow[];
}

/** unpublished is an app that was never published: only its draft is asked for. */
export const unpublished = async (application: Application): Promise<Outcome<Present>> => {
  const draft = await knownDraft(application);
  return draft.ok ? done({ draft: draft.value, newest: [] }) : draft;
};

/**
 * presentOf reads the draft and up to `most` of the newest published versions in one request, since the list of versions
 * begins with the draft's row. The first of them is the published one. An app that was never published has an empty list
 * (Dify 1.12.1, WorkflowService.get_all_published_workflow), so its draft is read by itself.
 */
export const presentOf = async (application: Application, most: number): Promise<Outcome<Present>> => {
  const { session, address } = application;
  const path = `/apps/${application.id()}/workflows?page=1&limit=${most + 1}`;
  const tried = `read the draft and the newest versions of app ${application.id()}`;
  const response = await session.answer({ method: 'GET', path, tried });
  if (!response.ok) return response;
  // An app that is unknown, or of another mode, is told apart where the draft is read.
  if (response.value.status === 404) return unpublished(application);
  const body = jsonOf(response.value, tried, `${address.console}${path}`);
  if (!body.ok) return body;
  const page = shaped(workflowPageShape, body.value, tried, `${address.console}${path}`);
  if (!page.ok) return page;
  const { items } = page.value;
  const newest = items.filter((item) => item.version !== 'draft').slice(0, most);
  const draft = items.find((item) => item.version === 'draft');
  if (draft !== undefined) return done({ draft, newest });
  const alone = await unpublished(application);
  return alone.ok ? done({ draft: alone.value.draft, newest }) : alone;
};
