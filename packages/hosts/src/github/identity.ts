import { done, failed, type Clock, type Outcome, type Problem } from '@sluice/core';
import { withDeadline } from './deadline.ts';
import { errorMessage } from '../thrown.ts';
import type { Environment } from '../line-host.ts';
import { textAt } from './json.ts';

const callDeadlineMs = 15_000;
const tried = 'get an identity token from GitHub';
const tries = 3;

const withoutPermission: Problem = {
  category: 'permission',
  reason: 'This job may not get an identity token.',
  tried,
  hint: 'Give the job `permissions: id-token: write`.',
};

const refusedWith = (status: number): Problem => ({
  category: status === 401 || status === 403 ? 'permission' : 'platform',
  reason: 'GitHub gave no identity token.',
  tried,
  answer: { status },
});

const askFor = async (address: URL, token: string, signal: AbortSignal): Promise<{ readonly status: number; readonly value: string }> => {
  const { EnvHttpProxyAgent, fetch } = await import('undici');
  const dispatcher = new EnvHttpProxyAgent();
  try {
    const response = await fetch(address, { headers: { authorization: `Bearer ${token}`, accept: 'application/json' }, redirect: 'error', signal, dispatcher });
    const text = await response.text();
    return { status: response.status, value: response.ok ? textAt(JSON.parse(text), 'value') : '' };
  } finally {
    await dispatcher.close();
  }
};

/**
 * identityToken gets an OIDC token for an audience from the runner. `@actions/core` can do it too, but without a deadline,
 * and it writes the token's mask to standard output, also where that is for the result document alone.
 */
export const identityToken = async (environment: Environment, clock: Clock, audience: string): Promise<Outcome<string>> => {
  const { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token } = environment;
  if (url === undefined || token === undefined || !URL.canParse(url)) return failed(withoutPermission);
  const address = new URL(url);
  address.searchParams.set('audience', audience);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const asked = await withDeadline(clock, callDeadlineMs, tried, (signal) => askFor(address, token, signal));
      if (!asked.ok) return asked;
      const { status, value } = asked.value;
      if (value !== '') return done(value);
      if (status < 500 || attempt === tries) return failed(refusedWith(status));
    } catch (error) {
      // Asking for a token changes nothing, so a lost connection or a broken answer is asked again.
      if (attempt === tries) {
        return failed({ category: 'platform', reason: 'GitHub gave no identity token.', tried, where: address.host, answer: { message: errorMessage(error) } });
      }
    }
    await clock.sleep(attempt * 1000);
  }
};
