import { startLabDify, type LabDifyOptions } from '@sluice/lab';

/** ContractServer is a Dify that the suite talks to, with the credentials of one account. */
export interface ContractServer {
  readonly name: string;
  readonly origin: string;
  readonly email: string;
  readonly password: string;
  /** adminKey and workspace are empty when the admin key is not to be tried. */
  readonly adminKey: string;
  readonly workspace: string;
  /** model is `<provider>/<name>` of a usable model; empty when there is none. */
  readonly model: string;
  /** members are accounts below the owner, by role: admin, editor, normal. */
  readonly members: Readonly<Record<string, { readonly email: string; readonly password: string }>>;
  close(): Promise<void>;
}

/** labServer starts the lab in one dialect. */
export const labServer = async (version: NonNullable<LabDifyOptions['version']>): Promise<ContractServer> => {
  const lab = await startLabDify({ version, usualLatencyMs: 0 });
  const { email, password, adminKey, workspaceId, members } = lab.credentials;
  return { name: `the lab as ${version}`, origin: lab.origin, email, password, adminKey, workspace: workspaceId, model: 'langgenius/openai/openai/gpt-4o-mini', members, close: () => lab.close() };
};

/** membersOf reads `role=email` pairs, as in `editor=editor@example.com,normal=normal@example.com`. */
const membersOf = (list: string, password: string): ContractServer['members'] =>
  Object.fromEntries(
    list
      .split(',')
      .map((pair) => pair.trim().split('='))
      .flatMap(([role = '', email = '']) => (role === '' || email === '' ? [] : [[role, { email, password }]])),
  );

/** realServer is the server that the environment names; undefined when it names none. */
export const realServer = (environment: Readonly<Record<string, string | undefined>>): ContractServer | undefined => {
  const { SLUICE_CONTRACT_DIFY_URL: address = '', SLUICE_CONTRACT_DIFY_EMAIL: email = '', SLUICE_CONTRACT_DIFY_PASSWORD: password = '' } = environment;
  if (address === '') return undefined;
  if (email === '' || password === '') throw new Error('SLUICE_CONTRACT_DIFY_URL is set, but not SLUICE_CONTRACT_DIFY_EMAIL and SLUICE_CONTRACT_DIFY_PASSWORD');
  return {
    name: 'a real server', origin: address.replace(/\/+$/, ''), email, password,
    adminKey: environment['SLUICE_CONTRACT_DIFY_ADMIN_KEY'] ?? '',
    workspace: environment['SLUICE_CONTRACT_DIFY_WORKSPACE'] ?? '',
    model: environment['SLUICE_CONTRACT_DIFY_MODEL'] ?? '',
    members: membersOf(environment['SLUICE_CONTRACT_DIFY_MEMBERS'] ?? '', environment['SLUICE_CONTRACT_DIFY_MEMBER_PASSWORD'] ?? ''),
    close: () => Promise.resolve(),
  };
};
