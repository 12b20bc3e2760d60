/** Category says why a step ended; the exit code and the status are functions of it alone. */
export type Category =
  | 'passed'
  | 'skipped'
  | 'gate'
  | 'input'
  | 'permission'
  | 'platform'
  | 'timeout'
  | 'evidence'
  | 'conflict'
  | 'defect'
  | 'cancelled';

/** FailureCategory is every category that is not a pass. */
export type FailureCategory = Exclude<Category, 'passed' | 'skipped'>;

/** Status is the coarse outcome that pipelines branch on. */
export type Status = 'passed' | 'failed' | 'inconclusive' | 'skipped' | 'error' | 'cancelled';

interface CategoryMeaning {
  readonly exitCode: number;
  readonly status: Status;
  readonly meaning: string;
}

/** categories is the one table of exit codes; documentation and `--help` are made from it. */
export const categories: Readonly<Record<Category, CategoryMeaning>> = {
  passed: { exitCode: 0, status: 'passed', meaning: 'passed' },
  skipped: { exitCode: 0, status: 'skipped', meaning: 'skipped, with the reason' },
  gate: { exitCode: 1, status: 'failed', meaning: 'a gate said no' },
  input: { exitCode: 2, status: 'error', meaning: 'bad input or configuration' },
  permission: { exitCode: 3, status: 'error', meaning: 'authentication or permission' },
  platform: { exitCode: 4, status: 'error', meaning: 'the platform refused or failed' },
  timeout: { exitCode: 5, status: 'error', meaning: 'timed out' },
  evidence: { exitCode: 6, status: 'inconclusive', meaning: 'not enough evidence' },
  conflict: { exitCode: 7, status: 'error', meaning: 'someone else changed it or holds the lease' },
  defect: { exitCode: 70, status: 'error', meaning: 'a defect of Sluice' },
  cancelled: { exitCode: 130, status: 'cancelled', meaning: 'cancelled' },
};

/** exitCode gives the process's exit code for a category. */
export const exitCode = (category: Category): number => categories[category].exitCode;

/** statusOf gives the status for a category. */
export const statusOf = (category: Category): Status => categories[category].status;
