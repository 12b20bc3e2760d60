import { done, failed, type Outcome } from '@sluice/core';
import * as z from 'zod/mini';
import type { Address } from './address.ts';
import { shaped } from './answer.ts';
import { bearer, readWith, type Door } from './credentials.ts';
import type { ConsoleRequest } from './session.ts';

/** Workspace is where a session works. */
export interface Workspace {
  readonly id: string;
  /** name is empty where it was not asked for. */
  readonly name: string;
}

const workspaces = z.object({
  workspaces: z.array(z.object({ id: z.string(), name: z.nullish(z.string()), current: z.nullish(z.boolean()) })),
});

/** currentWorkspace is the account's own choice, kept in Dify's database; switching it would disturb people, so it is only checked. */
export const currentWorkspace = async (address: Address, read: (request: ConsoleRequest) => Promise<Outcome<unknown>>): Promise<Outcome<Workspace>> => {
  const tried = 'find the current workspace of the account';
  const where = `${address.console}/workspaces`;
  const body = await read({ method: 'GET', path: '/workspaces', tried });
  if (!body.ok) return body;
  const list = shaped(workspaces, body.value, tried, where);
  if (!list.ok) return list;
  const current = list.value.workspaces.find((one) => one.current === true);
  const wanted = address.workspace;
  if (wanted === '' || wanted === current?.id) return done({ id: current?.id ?? '', name: current?.name ?? '' });
  const member = list.value.workspaces.some((one) => one.id === wanted);
  return failed({
    category: 'input',
    reason: `the account works in workspace ${current?.id ?? '(none)'}, not in ${wanted}`,
    tried,
    where,
    hint: member
      ? 'Log in as this account once and switch its workspace, or use one account for each workspace.'
      : 'The account is no member of that workspace. Invite it there, or use another account.',
  });
};

const allWorkspaces = z.object({ data: z.array(z.object({ id: z.string(), name: z.nullish(z.string()) })) });

/** adminWorkspace is the configured workspace, or the server's only one: the admin key belongs to none. */
export const adminWorkspace = async (door: Door, key: string): Promise<Outcome<Workspace>> => {
  if (door.address.workspace !== '') return done({ id: door.address.workspace, name: '' });
  const tried = 'list the workspaces with the admin key';
  const body = await readWith(door, '/all-workspaces?page=1&limit=100', bearer(key), tried);
  if (!body.ok) return failed({ ...body.problem, hint: 'Check DIFY_ADMIN_KEY, and that the server has ADMIN_API_KEY_ENABLE=true. Or name the workspace: dify.workspace in sluice.yml.' });
  const where = `${door.address.console}/all-workspaces`;
  const list = shaped(allWorkspaces, body.value, tried, where);
  if (!list.ok) return list;
  const [only, ...others] = list.value.data;
  if (only !== undefined && others.length === 0) return done({ id: only.id, name: only.name ?? '' });
  return failed({
    category: 'input',
    reason: `the server has ${list.value.data.length} workspaces, and sluice.yml names none`,
    tried,
    where,
    hint: `Add one as dify.workspace: ${list.value.data.map((one) => `${one.id} (${one.name ?? ''})`).join(', ')}.`,
  });
};
