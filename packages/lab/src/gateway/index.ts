import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandAnswer } from '@sluice/core';
import { startServer } from '../server.ts';
import { forward } from './forward.ts';
import { givenNames, serverBlock } from './server-block.ts';
import type { Refused } from './tokens.ts';
import { readVariables, type Variables } from './variables.ts';

/** LabGateway is a running stand-in for nginx with the documented server block, on 127.0.0.1. */
export interface LabGateway {
  /** origin is `http://127.0.0.1:PORT`. */
  readonly origin: string;
  /** includeFile is in a private folder that close removes; until it is written, nothing is pinned. */
  readonly includeFile: string;
  /** run acts on `nginx -t` and `nginx -s reload` as nginx does; a reload that is refused leaves the old split serving. */
  run(argv: readonly string[]): Promise<CommandAnswer>;
  close(): Promise<void>;
}

const includedText = async (path: string): Promise<string> => {
  try {
    return await readFile(path, 'latin1');
  } catch (error) {
    // A gateway that was never released to has no file yet.
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
};

const accepted = (path: string): CommandAnswer => ({
  code: 0,
  stdout: '',
  stderr: `nginx: the configuration file ${path} syntax is ok\nnginx: configuration file ${path} test is successful\n`,
});

const refusal = (path: string, { refused }: Refused): CommandAnswer => ({
  code: 1,
  stdout: '',
  stderr: `nginx: [emerg] ${refused} in ${path}\nnginx: configuration file ${path} test failed\n`,
});

const nothing: Variables = { has: () => false, names: [], forRequest: () => () => '' };

/** startLabGateway starts a gateway in front of an upstream's origin; `keys` is the text of the operator's own file with a twin's key. */
export const startLabGateway = async ({ upstream, keys = '' }: { readonly upstream: string; readonly keys?: string }): Promise<LabGateway> => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-gateway-'));
  const includeFile = join(folder, 'sluice.conf');
  const agent = new Agent({ keepAlive: true });
  let serving = nothing;
  const server = await startServer(async (request, response) => {
    const passage = serverBlock(request, response, serving);
    if (passage !== 'answered') await forward(request, response, { upstream, agent, ...passage });
  });
  return {
    origin: server.origin,
    includeFile,
    run: async (argv) => {
      const command = argv.join(' ');
      if (command !== 'nginx -t' && command !== 'nginx -s reload') {
        return { code: 1, stdout: '', stderr: `the lab's nginx knows -t and -s reload, not "${command}"\n` };
      }
      const variables = readVariables(`${keys}\n${await includedText(includeFile)}`, givenNames);
      if ('refused' in variables) return refusal(includeFile, variables);
      if (command === 'nginx -t') return accepted(includeFile);
      serving = variables;
      return { code: 0, stdout: '', stderr: '' };
    },
    close: async () => {
      await server.close();
      agent.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
