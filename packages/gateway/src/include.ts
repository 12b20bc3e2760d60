import { done, failed, type Outcome, type Split } from '@sluice/core';
import { checkPinning, pinningText, readPinning, type PinnedApplication, type Pinning } from './pinning.ts';

const author = '# Written by Sluice. Do not edit: a release stops at a file that was changed by hand.';

const block = (head: string, lines: readonly string[]): string =>
  [`${head} {`, ...lines.map((line) => `    ${line}`), '}'].join('\n');

/**
 * versionBlocks choose the version of one request. `$sluice_user` is empty when the body could not be read and `=`
 * when it names no user; both get the stable version, so that no user of the candidate is one that cannot be told again.
 * The candidate's id is part of what is hashed: each release meets other users first, and a rising weight keeps its users.
 */
const versionBlocks = (name: string, { stable, candidate, weight }: Split): string[] => {
  if (weight === 0 || candidate === undefined) return [block(`map "" ${name}_version`, [`default "${stable}";`])];
  // A hash of 0xffffffff would miss a share of 100%, so everybody is said without a share.
  if (weight === 100) return [block(`map "" ${name}_version`, [`default "${candidate}";`])];
  return [
    block(`split_clients "$sluice_user ${candidate}" ${name}_arm`, [`${weight}% "${candidate}";`, `* "${stable}";`]),
    block(`map $sluice_user ${name}_version`, [`"" "${stable}";`, `"=" "${stable}";`, `default ${name}_arm;`]),
  ];
};

/**
 * pinBlock puts the version where Dify looks for it: Dify >= 1.7.2, api/controllers/service_api/app/workflow.py
 * (`/workflows/<id>/run`) and completion.py (`workflow_id`). The pin stands last in the body, because of two equal
 * keys Dify takes the last, so a client's own `workflow_id` does not beat it. A twin's key stands in a file of the
 * operator; here is only the name of the variable that holds it.
 */
const pinBlock = (name: string, kind: PinnedApplication['kind'], { candidate, weight }: Split): string => {
  switch (kind) {
    case 'workflow':
      return block(`map ${name}_version ${name}_path`, ['"" /v1/workflows/run;', `default /v1/workflows/${name}_version/run;`]);
    case 'chat':
      return block(`map ${name}_version ${name}_body`, ['"" $request_body;', `default '$sluice_body_open,"workflow_id":"${name}_version"}';`]);
    case 'twin':
      return block(`map ${name}_version ${name}_authorization`, [
        ...(weight === 0 || candidate === undefined ? [] : [`"${candidate}" ${name}_twin;`]),
        'default $http_authorization;',
      ]);
  }
};

/**
 * renderInclude writes the include file of one application for nginx's http context: only variables, no keys.
 * Its second line holds the split as JSON, so that readInclude can read it back. An id that is not a UUID, or a share
 * that nginx cannot serve, is an `input` problem.
 */
export const renderInclude = (split: Split, application: PinnedApplication): Outcome<string> => {
  const checked = checkPinning({ application: application.application, kind: application.kind, split });
  if (!checked.ok) return checked;
  const pinning = pinningText(checked.value);
  const name = `$sluice_${application.application.replaceAll('-', '_')}`;
  const lines = [
    author,
    `# ${pinning}`,
    ...versionBlocks(name, split),
    pinBlock(name, application.kind, split),
    block(`map "" ${name}_split`, [`default '${pinning}';`]),
    '',
  ];
  return done(lines.join('\n'));
};

const spaced = (text: string): string => text.trim().replace(/\s+/g, ' ');

/**
 * readInclude reads back what renderInclude wrote; blanks do not matter. A foreign file is an `input` problem, and one
 * that does not do what its second line says was changed by hand, which is a `conflict`.
 */
export const readInclude = (text: string): Outcome<Pinning> => {
  const [first, second] = text.split(/\r?\n/);
  if (first?.trim() !== author) {
    return failed({
      category: 'input',
      reason: 'the include file was not written by Sluice',
      hint: 'Give Sluice a file of its own in gateway.nginx.include. docs/gateway-nginx.md shows the first one.',
    });
  }
  const pinning = readPinning(second?.replace(/^# /, '') ?? '');
  const written = pinning === undefined ? undefined : renderInclude(pinning.split, pinning);
  if (pinning !== undefined && written?.ok === true && spaced(written.value) === spaced(text)) return done(pinning);
  return failed({
    category: 'conflict',
    reason: 'the include file was changed by hand since Sluice wrote it',
    hint: 'Find out why. Sluice goes on when the lines below do again what the second line of the file says.',
  });
};
