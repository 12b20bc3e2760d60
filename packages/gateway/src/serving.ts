import { done, failed, type Clock, type HttpClient, type Outcome, type Split } from '@sluice/core';
import { readPinning, type PinnedApplication } from './pinning.ts';

/** ServingGateway is a gateway that can be asked over HTTP which split it serves. */
export interface ServingGateway {
  readonly url: string;
  readonly application: PinnedApplication;
  readonly http: HttpClient;
}

/** servingUrl is the gateway's own page about its split: `/sluice/<application>` at the origin of the users' address. */
export const servingUrl = (address: string, application: string): string => `${new URL(address).origin}/sluice/${application}`;

/** readServing asks the gateway for its split. A page about another application is `input`, no such page `platform`. */
export const readServing = async ({ url, application, http }: ServingGateway, deadlineMs: number): Promise<Outcome<Split>> => {
  const tried = `read the split that the gateway serves for ${application.application}`;
  // The run's signal is left out on purpose: a cancelled run must still be able to close the gate.
  const answer = await http.send({ method: 'GET', url, tried, deadlineMs, repeatable: false });
  if (!answer.ok) return answer;
  const { status, text } = answer.value;
  const pinning = status === 200 ? readPinning(text.trim()) : undefined;
  if (pinning === undefined) {
    return failed({
      category: 'platform',
      reason: `the gateway does not say which split it serves at ${url}`,
      tried,
      where: url,
      answer: { status },
      hint: 'Add the location /sluice/… of docs/gateway-nginx.md to the server block.',
    });
  }
  if (pinning.application !== application.application || pinning.kind !== application.kind) {
    return failed({
      category: 'input',
      reason: `the gateway at ${url} serves the ${pinning.kind} app ${pinning.application}, not the ${application.kind} app ${application.application}`,
      tried,
      where: url,
      hint: 'Give each application an include file and a server block of its own, as in docs/gateway-nginx.md.',
    });
  }
  return done(pinning.split);
};

const pause = 200;
const readings = 5;

/**
 * awaitServing asks until the gateway serves what `accept` accepts in five readings in a row; false at the deadline,
 * with the last reading. One reading proves little: after a reload nginx lets its old workers accept for another
 * 100 ms (ngx_process_cycle.c), and they still serve the split of before.
 */
export const awaitServing = async (
  gateway: ServingGateway,
  clock: Clock,
  deadlineMs: number,
  accept: (split: Split) => boolean,
): Promise<{ readonly served: boolean; readonly last: Outcome<Split> }> => {
  const end = clock.elapsed() + deadlineMs;
  let inARow = 0;
  for (;;) {
    const last = await readServing(gateway, Math.max(1, end - clock.elapsed()));
    inARow = last.ok && accept(last.value) ? inARow + 1 : 0;
    if (inARow === readings) return { served: true, last };
    if (clock.elapsed() + pause >= end) return { served: false, last };
    await clock.sleep(pause);
  }
};
