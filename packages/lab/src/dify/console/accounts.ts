import { json, queryNumber, Refused, type Answer } from '../answer.ts';
import type { Route } from '../routes.ts';
import type { Account, Member } from '../sessions.ts';
import { secondsOf, type Call } from './call.ts';

const profile = (account: Member): Answer =>
  json({
    id: account.id, name: account.name, avatar: null, avatar_url: null, email: account.email, is_password_set: true,
    interface_language: 'en-US', interface_theme: 'light', timezone: 'UTC',
    last_login_at: null, last_login_ip: null, created_at: secondsOf(account.createdAt),
  });

const workspace = (account: Account): Record<string, unknown> => ({
  id: account.workspaceId,
  name: `${account.name}'s Workspace`,
  status: 'normal',
  created_at: secondsOf(account.createdAt),
});

const allWorkspaces = ({ state, request }: Call): Answer | Refused => {
  const refused = state.sessions.checkAdmin(request);
  if (refused !== undefined) return refused;
  const page = queryNumber(request.query, 'WorkspaceListQuery', 'page', 1, 99_999);
  if (page instanceof Refused) return page;
  const limit = queryNumber(request.query, 'WorkspaceListQuery', 'limit', 20, 100);
  if (limit instanceof Refused) return limit;
  const found = page === 1 ? [workspace(state.sessions.account)] : [];
  return json({ data: found, has_more: false, limit, page, total: 1 });
};

/** openRoutes need no session; they check what they need themselves. */
export const openRoutes: readonly Route<Call>[] = [
  { method: 'GET', path: '/ping', handle: () => json({ result: 'pong' }) },
  {
    method: 'GET',
    path: '/setup',
    handle: ({ state }) =>
      json({ step: 'finished', setup_at: new Date(state.sessions.account.createdAt).toISOString().replace('Z', '') }),
  },
  {
    method: 'POST',
    path: '/setup',
    handle: () => new Refused(json({ code: 'already_setup', message: 'Dify has been successfully installed. Please refresh the page or return to the dashboard homepage.', status: 403 }, 403)),
  },
  {
    method: 'GET',
    path: '/system-features',
    handle: () =>
      json({
        sso_enforced_for_signin: false, sso_enforced_for_signin_protocol: '', enable_marketplace: false,
        enable_email_code_login: false, enable_email_password_login: true, enable_social_oauth_login: false,
        is_allow_register: false, is_allow_create_workspace: false, is_email_setup: false,
        license: { status: 'none', expired_at: '' },
      }),
  },
  { method: 'POST', path: '/login', handle: ({ state, request }) => state.sessions.login(request) },
  { method: 'GET', path: '/logout', when: ({ session }) => session === 'bearer', handle: ({ state, request }) => state.sessions.logout(request) },
  { method: 'POST', path: '/logout', when: ({ session }) => session === 'cookies', handle: ({ state, request }) => state.sessions.logout(request) },
  { method: 'POST', path: '/refresh-token', handle: ({ state, request }) => state.sessions.refresh(request) },
  { method: 'GET', path: '/all-workspaces', handle: allWorkspaces },
];

const memberFields = (member: Member): Record<string, unknown> => ({
  id: member.id, name: member.name, avatar: null, avatar_url: null, email: member.email,
  last_login_at: null, last_active_at: secondsOf(member.createdAt), created_at: secondsOf(member.createdAt), role: member.role, status: 'active',
});

/** accountRoutes are about the account and its workspace. */
export const accountRoutes: readonly Route<Call>[] = [
  { method: 'GET', path: '/account/profile', role: 'everyone', handle: ({ account }) => profile(account) },
  { method: 'GET', path: '/workspaces/current/members', role: 'everyone', handle: ({ state }) => json({ accounts: state.sessions.members.map(memberFields) }) },
  {
    method: 'GET',
    path: '/workspaces',
    role: 'everyone',
    handle: ({ state }) => json({ workspaces: [{ ...workspace(state.sessions.account), plan: 'sandbox', current: true }] }),
  },
];
