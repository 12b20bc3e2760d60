import { workflowDsl } from '../apps.ts';
import { fieldsOf, send, textAt, type Answer } from '../caller.ts';
import type { Expectation } from '../expectation.ts';
import { loggedIn, type World } from '../world.ts';

const roles = ['admin', 'editor', 'normal'];

const unknown = '00000000-0000-4000-8000-000000000000';

const yaml = (world: World): string => workflowDsl({ dsl: world.dsl, name: 'contract member', says: 'x' });

/** stage is a workflow app with two versions, made by the owner. */
const stage = async (world: World): Promise<{ readonly id: string; readonly first: string }> => {
  const id = textAt(await world.imported(yaml(world)), 'app_id');
  await world.console('POST', `/apps/${id}/workflows/publish`, {});
  const first = textAt(await world.console('GET', `/apps/${id}/workflows/publish`), 'id');
  await world.console('POST', `/apps/${id}/workflows/publish`, {});
  return { id, first };
};

/** Request is one that a release sends: method, path and body. */
type Request = readonly [method: string, path: string, body?: unknown];

const requests = async (world: World, chat: string): Promise<Readonly<Record<string, Request>>> => {
  const { id, first } = await stage(world);
  const { graph, features, hash, environment_variables, conversation_variables } = fieldsOf((await world.console('GET', `/apps/${id}/workflows/draft`)).body);
  const content = { mode: 'yaml-content', yaml_content: yaml(world) };
  return {
    'the account': ['GET', '/account/profile'],
    'the workspaces': ['GET', '/workspaces'],
    'the members': ['GET', '/workspaces/current/members'],
    'the apps': ['GET', '/apps?page=1&limit=5'],
    'the app': ['GET', `/apps/${id}`],
    'the draft': ['GET', `/apps/${id}/workflows/draft`],
    'the live version': ['GET', `/apps/${id}/workflows/publish`],
    'the versions': ['GET', `/apps/${id}/workflows?page=1&limit=5`],
    'an export': ['GET', `/apps/${id}/export?include_secret=false`],
    'the keys': ['GET', `/apps/${id}/api-keys`],
    'the runs': ['GET', `/apps/${id}/workflow-runs?limit=1`],
    'the datasets': ['GET', '/datasets?page=1&limit=10'],
    'the tools': ['GET', '/workspaces/current/tool-providers?type=api'],
    'the models': ['GET', '/workspaces/current/models/model-types/llm'],
    'a new key': ['POST', `/apps/${id}/api-keys`],
    'the end of a key': ['DELETE', `/apps/${id}/api-keys/${unknown}`],
    'a draft run': ['POST', `/apps/${id}/workflows/draft/run`, { inputs: { word: 'good' } }],
    'an import over an app': ['POST', '/apps/imports', { ...content, app_id: id }],
    'a confirmation': ['POST', `/apps/imports/${unknown}/confirm`],
    'a written draft': ['POST', `/apps/${id}/workflows/draft`, { graph, features, hash, environment_variables, conversation_variables }],
    'a publication': ['POST', `/apps/${id}/workflows/publish`, {}],
    'a restored version': ['POST', `/apps/${id}/workflows/${first}/restore`, {}],
    'a marked version': ['PATCH', `/apps/${id}/workflows/${first}`, { marked_comment: 'x' }],
    'the end of a version': ['DELETE', `/apps/${id}/workflows/${first}`],
    'a configuration': ['POST', `/apps/${chat}/model-config`, {}],
    'another name': ['POST', `/apps/${id}/name`, { name: 'contract member' }],
    'the API switched': ['POST', `/apps/${id}/api-enable`, { enable_api: true }],
    'the site switched': ['POST', `/apps/${id}/site-enable`, { enable_site: true }],
    'the end of the app': ['DELETE', `/apps/${id}`],
  };
};

const asking = async (world: World, role: string): Promise<(request: Request) => Promise<Answer>> => {
  const { email = '', password = '' } = world.server.members[role] ?? {};
  const { headers } = await loggedIn({ ...world.server, email, password }, world.release);
  return ([method, path, body]) => send(world.server.origin, method, `/console/api${path}`, { headers, ...(body === undefined ? {} : { body }) });
};

/** statuses are what a member's requests are answered with. */
const statuses = async (world: World, role: string): Promise<unknown> => {
  const ask = await asking(world, role);
  const chat = textAt(await world.console('POST', '/apps', { name: 'contract member', mode: 'chat', icon_type: 'emoji', icon: '🤖', icon_background: '#FFFFFF', description: '' }), 'id');
  const seen: Record<string, number> = {};
  for (const [name, request] of Object.entries(await requests(world, chat))) seen[name] = (await ask(request)).status;
  await world.console('DELETE', `/apps/${chat}`);
  return seen;
};

/** members are about what the roles below the owner's may do. */
export const members: readonly Expectation[] = [
  ...roles.map((role): Expectation => ({ name: `what the role ${role} may do`, needs: 'members', ask: (world) => statuses(world, role) })),
  {
    name: 'what a member without rights is told',
    needs: 'members',
    ask: async (world) => {
      const ask = await asking(world, 'normal');
      return world.plain(await ask(['POST', `/apps/${world.flow.id}/workflows/publish`, {}]));
    },
  },
  {
    name: 'the roles of the members',
    needs: 'members',
    ask: async (world) => {
      const { accounts } = fieldsOf((await world.console('GET', '/workspaces/current/members')).body);
      const all = Array.isArray(accounts) ? accounts.map(fieldsOf) : [];
      return roles.map((role) => all.find((one) => one['email'] === world.server.members[role]?.email)?.['role']);
    },
  },
];
