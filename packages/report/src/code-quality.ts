import type { Found } from './found.ts';

const severities = { error: 'major', warning: 'minor', notice: 'info' } as const;

/** codeQuality is findings as GitLab reads them (artifacts:reports:codequality, docs.gitlab.com/ci/testing/code_quality). */
export const codeQuality = (found: readonly Found[]): string =>
  `${JSON.stringify(
    found.map(({ rule, severity, message, hint, place, fingerprint }) => ({
      description: hint === '' ? message : `${message} ${hint}`,
      check_name: rule,
      fingerprint,
      severity: severities[severity],
      location: { path: place.file, lines: { begin: place.line ?? 1 } },
    })),
    null,
    2,
  )}\n`;
