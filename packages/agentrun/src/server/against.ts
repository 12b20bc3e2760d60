import { done, draft, type Against, type Json, type Outcome } from '@sluice/core';
import { contentOf, showsCode } from '../source/configuration.ts';
import { isJsonRecord, type JsonRecord } from '../source/json.ts';
import { AgentRunSource } from '../source/source.ts';
import { findRuntime, type AgentRunContext } from './context.ts';
import { liveVersion } from './inspect.ts';

/** stated is of what is shown what a source states, too: the platform fills in defaults, which nobody has changed. */
const stated = (wanted: Json, shown: Json | undefined): Json | undefined => {
  if (!isJsonRecord(wanted)) return shown;
  const within = isJsonRecord(shown) ? shown : {};
  return Object.fromEntries(
    Object.entries(wanted).flatMap(([key, value]): [string, Json][] => {
      const there = stated(value, within[key]);
      return there === undefined ? [] : [[key, there]];
    }),
  );
};

/** runningContent is what runs, in the parts that a source states. Environment variables count whole, and code where the platform shows it. */
const runningContent = (wanted: JsonRecord, shown: JsonRecord): JsonRecord => {
  const { codeConfiguration: code } = wanted;
  const { environmentVariables: variables } = shown;
  const content = stated(wanted, shown);
  return {
    ...(isJsonRecord(content) ? content : {}),
    ...(wanted['environmentVariables'] === undefined || variables === undefined ? {} : { environmentVariables: variables }),
    ...(showsCode(shown) || code === undefined ? {} : { codeConfiguration: code }),
  };
};

/** against puts what the users' endpoint serves beside a source. Without an endpoint nothing is live. */
export const against = async (context: AgentRunContext, source: AgentRunSource): Promise<Outcome<Against>> => {
  const found = await findRuntime(context);
  if (!found.ok) return found;
  if (found.value === undefined) return done({ source });
  const current = await context.api.getRuntime(found.value.id);
  if (!current.ok) return current;
  const version = await liveVersion(context, current.value);
  if (!version.ok) return version;
  if (version.value === undefined) return done({ source });
  const frozen = version.value.id === draft ? current : await context.api.getRuntime(found.value.id, version.value.id);
  if (!frozen.ok) return frozen;
  return done({ source, running: new AgentRunSource(source.parts, runningContent(contentOf(source.configuration), contentOf(frozen.value.shown))) });
};
