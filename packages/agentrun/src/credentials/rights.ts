import { stepRoles } from '../server/operations.ts';
import { conditionalRights, longestPolicy, policyOf, type Scope } from './policy.ts';
import { trustPolicy } from './token.ts';

/** placeholders stand for what a reader fills in. */
const placeholders: Scope = { region: '<region>', account: '<account>', workspace: '<workspace>', runtime: '<runtime>', endpoint: '<endpoint>', logs: { project: '<project>', logstore: '<logstore>' }, stored: { bucket: '<bucket>', object: '<object>' } };
const { stored: _stored, ...usual } = placeholders;

const provider = 'acs:ram::<account>:oidc-provider/<provider>';

/** ramRights are the least policy of each step and the trust policies for jobs without a key, for the documentation. */
export const ramRights = () => ({
  steps: stepRoles.map((step) => {
    const policy = policyOf(step, usual);
    return { step, policy: policy.Statement.length === 0 ? undefined : policy };
  }),
  conditional: conditionalRights(placeholders),
  trusts: {
    GitHub: trustPolicy(provider, { issuer: 'https://token.actions.githubusercontent.com', subject: 'repo:<owner>/<repository>:environment:production' }),
    GitLab: trustPolicy(provider, { issuer: 'https://gitlab.com', subject: 'project_path:<group>/<project>:ref_type:branch:ref:main' }),
  },
  longest: longestPolicy,
});
