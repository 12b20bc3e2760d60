import type { Exposure } from '@sluice/core';

/** exposureOf says who meets the candidate after each step of a release to AgentRun. */
export const exposureOf = (endpoint: string): Exposure => ({
  title: 'AgentRun',
  rows: [
    { step: 'validate', served: 'nobody', note: 'nothing is sent' },
    { step: 'snapshot', served: 'nobody', note: 'reads only' },
    { step: 'deploy', served: 'nobody', note: 'goes into LATEST; an endpoint on LATEST is first pinned to a published version of the same content' },
    { step: 'health-check candidate', served: 'nobody', note: 'a side endpoint pinned to it is asked' },
    { step: 'publish-version', served: 'nobody', note: 'a version takes no traffic by itself' },
    { step: 'canary', served: 'a share', note: `by the weights of endpoint "${endpoint}", whole sessions at a time` },
    { step: 'health-check live', served: 'everybody', note: `endpoint "${endpoint}" is on the new version` },
  ],
  bypasses: [`endpoints other than "${endpoint}"`, 'side endpoints sluice-* while a version is checked', 'custom domains that name a version themselves'],
});
