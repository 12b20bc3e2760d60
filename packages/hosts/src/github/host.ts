import { isAbsolute, posix } from 'node:path';
import { canBeHidden, categories, placeText, type CommentSection, type Host, type HostContext, type StepResult } from '@sluice/core';
import { readText } from '../files.ts';
import { belowFinding, plainDrawing } from '../finding-lines.ts';
import { subfolderOf } from '../subfolder.ts';
import { errorMessage } from '../thrown.ts';
import { attempt, lineHost, redactAll, type HostParts } from '../line-host.ts';
import { endingDetails, endingText } from '../wording.ts';
import { writeComment, writeDeployment } from './api.ts';
import { workflowCommand } from './commands.ts';
import { githubContext } from './context.ts';
import { identityToken } from './identity.ts';
import { shorten } from './shorten.ts';

/** GitHub drops a step's summary over 1 MiB. */
const summaryLimit = 1024 * 1024 - 1024;

/** ownTokens are the runner's tokens; the runner masks them itself, and here they are redacted. */
const ownTokens = ['GITHUB_TOKEN', 'ACTIONS_RUNTIME_TOKEN', 'ACTIONS_ID_TOKEN_REQUEST_TOKEN'];

const readEvent = async ({ environment, voice }: HostParts): Promise<unknown> => {
  const path = environment.GITHUB_EVENT_PATH;
  if (path === undefined) return undefined;
  try {
    return JSON.parse((await readText(path)) ?? 'null');
  } catch (error) {
    // Without the event a pull request counts as one from a fork, which is the safe reading.
    voice.line(`warning The event file cannot be read: ${errorMessage(error)}`);
    return undefined;
  }
};

const log = (parts: HostParts): Pick<Host, 'annotate' | 'warn' | 'group' | 'mask' | 'stepStarted' | 'stepEnded'> => {
  const { voice, redactor } = parts;
  const subfolder = subfolderOf(parts.folder);
  const masked = new Set<string>();
  const annotated = new Set<string>();
  let hasStarted = false;
  const command = (name: string, text: string, properties?: Parameters<typeof workflowCommand>[2]): void =>
    voice.command(workflowCommand(name, voice.value(text), properties));
  return {
    annotate: ({ severity, message, hint, rule, place }, shown) => {
      annotated.add(message);
      command(severity, hint === undefined ? message : `${message} ${hint}`, {
        file: voice.value(isAbsolute(place.file) ? place.file : posix.join(subfolder, place.file)),
        line: place.line,
        col: place.column,
        title: voice.value(rule),
      });
      if (shown === undefined) return;
      // The log shows of a command only its message.
      voice.line(`  ${placeText(place)} (${rule})`);
      for (const line of belowFinding(voice, shown, plainDrawing)) voice.command(line);
      if (shown.page !== undefined) voice.line(`  rule: ${shown.page}`);
      voice.line('');
    },
    warn: (message) => command('warning', message),
    group: async (title, work) => {
      command('group', title);
      try {
        return await work();
      } finally {
        command('endgroup', '');
      }
    },
    mask: (secret) => {
      redactor.add(secret);
      // A value too short to be hidden here would blacken the runner's whole log.
      if (!canBeHidden(secret) || masked.has(secret)) return;
      masked.add(secret);
      // The runner takes this line out of the log; it must come before any other use of the secret.
      voice.command(workflowCommand('add-mask', secret));
    },
    stepStarted: (step) => {
      hasStarted = true;
      voice.line(`${step} started`);
    },
    stepEnded: (result: StepResult) => {
      voice.line(endingText(result));
      for (const line of endingDetails(result)) voice.line(line);
      const isGood = categories[result.category].exitCode === 0;
      // A job that is green because it may do nothing here, as for a fork, looks like one that did it.
      const isSkipped = result.category === 'skipped' && !hasStarted;
      if ((isGood && !isSkipped) || annotated.has(result.reason)) return;
      annotated.add(result.reason);
      command(isGood ? 'notice' : 'error', result.reason, { title: `sluice ${voice.value(result.step)}${isGood ? ' was skipped' : ''}` });
    },
  };
};

const files = (parts: HostParts): Pick<Host, 'outputs' | 'summary'> => {
  const { voice, environment, redactor } = parts;
  return {
    outputs: (outputs) =>
      attempt(voice, 'the outputs could not be written', async () => {
        if (environment.GITHUB_OUTPUT === undefined) throw new Error('GITHUB_OUTPUT is not set');
        const { setOutput } = await import('@actions/core');
        for (const [name, value] of Object.entries(outputs)) {
          if (/[\r\n]/.test(name)) voice.line('warning An output with a line break in its name was not written.');
          else setOutput(name, voice.value(value));
        }
      }),
    summary: (markdown) =>
      attempt(voice, 'the summary could not be written', async () => {
        const { summary } = await import('@actions/core');
        const text = shorten(redactor.redact(markdown), summaryLimit, (part) => Buffer.byteLength(part, 'utf8'));
        await summary.addRaw(text, true).write();
      }),
  };
};

const capabilities = (parts: HostParts, context: HostContext, mask: Host['mask']): Pick<Host, 'identityToken' | 'comment' | 'deployment'> => {
  const { environment, clock, voice, redactor } = parts;
  const token = environment.GITHUB_TOKEN ?? '';
  const api = { environment, context, token, clock, voice, redact: (text: string) => redactor.redact(text) };
  const isOffline = context.pullRequest !== undefined;
  return {
    // A request of the repository itself may have a preview.
    ...(environment.ACTIONS_ID_TOKEN_REQUEST_URL === undefined || (isOffline && (context.event !== 'pull_request' || context.pullRequest?.fork !== false))
      ? {}
      : {
          identityToken: async (audience: string) => {
            const given = await identityToken(environment, clock, audience);
            if (given.ok) mask(given.value);
            return given;
          },
        }),
    ...(token === '' || !isOffline ? {} : { comment: (section: CommentSection) => writeComment(api, section) }),
    ...(token === '' || isOffline ? {} : { deployment: (state: Parameters<NonNullable<Host['deployment']>>[0]) => writeDeployment(api, state) }),
  };
};

/** githubHost writes workflow commands and the runner's files; GitHub's libraries are loaded when first needed. */
export const githubHost = async (parts: HostParts): Promise<Host> => {
  redactAll(parts, ownTokens);
  const context = githubContext(parts.environment, await readEvent(parts));
  const logging = log(parts);
  return {
    ...lineHost('github', context, parts),
    ...logging,
    ...files(parts),
    ...capabilities(parts, context, logging.mask),
  };
};
