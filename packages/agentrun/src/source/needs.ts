import type { Agent } from './schema.ts';

/** Need is a kind of thing outside of AgentRun that an agent names, and why nobody asks for it. */
interface Need {
  readonly name: string;
  readonly unasked: string;
  readonly wants: (agent: Agent) => boolean;
}

const elsewhere = (service: string): string => `AgentRun's API does not tell, and Sluice has no rights for ${service}; the first release shows it`;

const needs: readonly Need[] = [
  { name: 'execution role', unasked: elsewhere('RAM'), wants: ({ role }) => role !== undefined },
  { name: 'network', unasked: elsewhere('VPC'), wants: ({ vpcConfig }) => vpcConfig !== undefined },
  { name: 'storage', unasked: elsewhere('NAS and OSS'), wants: ({ nasConfig, ossMountConfig, code }) => nasConfig !== undefined || ossMountConfig !== undefined || code?.ossBucketName !== undefined },
  { name: 'image', unasked: elsewhere('container registries'), wants: ({ customContainerConfig }) => customContainerConfig !== undefined },
  { name: 'credential', unasked: 'the policies of docs/ram-policies.md give no right to read credentials; the first release shows it', wants: ({ credentialName }) => credentialName !== undefined },
  { name: 'log store', unasked: 'it is asked for when logs are read', wants: ({ logConfig }) => logConfig !== undefined && logConfig !== 'auto' },
];

/** needsOf are the kinds of things that an agent names and that no call of AgentRun can look for. */
export const needsOf = (agent: Agent): readonly Need[] => needs.filter(({ wants }) => wants(agent));
