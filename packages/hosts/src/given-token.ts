import { done, failed, oneLine, type Host, type HostContext, type Outcome } from '@sluice/core';
import { at } from './github/json.ts';

const audiencesOf = (token: string): readonly string[] => {
  try {
    const named = at(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')), 'aud');
    return [named].flat().filter((audience) => typeof audience === 'string');
  } catch {
    // A token that cannot be read is for nobody.
    return [];
  }
};

/**
 * givenToken is an identity token that a CI system put into a job's variable, if it is for the audience that is asked for;
 * `hint` says how the job gets one that is. Nothing of the token is checked here: who is given it does that.
 */
export const givenToken = (token: string, audience: string, hint: string): Outcome<string> => {
  const audiences = audiencesOf(token);
  if (audiences.includes(audience)) return done(token);
  const named = audiences.length === 0 ? 'nobody' : oneLine(audiences.join(', '), 200);
  return failed({ category: 'input', reason: `the job's identity token is for ${named}, and one for ${audience} is needed`, tried: 'get an identity token from the job', hint });
};

/** givenIdentity is what a host whose CI puts a token into the job's variables can give a step; nothing where there is none, nor on pull requests. */
export const givenIdentity = (token: string | undefined, { pullRequest }: HostContext, hint: (audience: string) => string): Pick<Host, 'identityToken'> =>
  token === undefined || token === '' || pullRequest !== undefined ? {} : { identityToken: (audience) => Promise.resolve(givenToken(token, audience, hint(audience))) };
