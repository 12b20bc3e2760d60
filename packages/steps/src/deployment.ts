import { clause, type DeploymentState, type StepContext, type Target } from '@sluice/core';

/**
 * reportDeployment tells the CI system's deployments page where a release stands, where there is such a page. A dry run
 * and a rehearsal deploy nothing. A page that cannot be told is a warning: it decides nothing.
 */
export const reportDeployment = async (context: StepContext, target: Target, state: DeploymentState['state'], description: string): Promise<void> => {
  const { host, selected } = context;
  if (host.deployment === undefined || context.dryRun || context.rehearsal || !selected.ok) return;
  const url = URL.canParse(target.address) ? { url: target.address } : {};
  const told = await host.deployment({ environment: selected.value.name, state, description: host.redact(description), ...url });
  if (told.ok) return;
  const { reason, hint } = told.problem;
  host.warn(`the deployments page does not say "${state}": ${clause(reason)}${hint === undefined ? '' : `. ${hint}`}`);
};
