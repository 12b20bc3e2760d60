import { done, failed, isLoopbackHost, readJson, type Outcome } from '@sluice/core';
import { readIssued } from './answer.ts';
import type { CredentialSource, Surroundings } from './source.ts';

const variable = 'ALIBABA_CLOUD_CREDENTIALS_URI';
const tried = `get credentials from the address in ${variable}`;

/**
 * credentialAddress gives credentials from a process beside this one, or from a server over https. Nothing is sent
 * there, so that it need not be listed in SLUICE_HOSTS; the address comes from the environment, not from a file.
 */
export const credentialAddress = ({ http, signal, secrets, mask }: Surroundings): Outcome<CredentialSource | undefined> => {
  const address = secrets.find(variable);
  if (address === undefined) return done(undefined);
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackHost(url.hostname.replace(/^\[|\]$/g, ''))))) {
    return failed({ category: 'input', reason: `${variable} is neither an https address nor one of this machine`, tried, where: variable, hint: 'Credentials come over https, or from 127.0.0.1.' });
  }
  return done({
    kind: `the address in ${variable}`,
    renews: true,
    obtain: async () => {
      const sent = await http.send({ method: 'GET', url: address, headers: { accept: 'application/json' }, tried, deadlineMs: 10_000, signal });
      if (!sent.ok) return sent;
      const { status } = sent.value;
      if (status !== 200) return failed({ category: status === 401 || status === 403 ? 'permission' : 'platform', reason: `the address in ${variable} gives no credentials`, tried, where: variable, answer: { status }, hint: 'Look at the process that answers there.' });
      const json = readJson(sent.value, tried);
      return json.ok ? readIssued(json.value, tried, variable, mask) : failed({ category: 'platform', reason: `the address in ${variable} answers with something else than JSON`, tried, where: variable, hint: 'Look at the process that answers there.' });
    },
  });
};
