/** ownVariables is a pattern for how the variables begin that a user may not name. */
export const ownVariables = '(SLUICE|GITHUB|CI|GITLAB|JENKINS|RUNNER|ACTIONS|BUILD|NODE|PATH|HOME)(_|$)';

const own = new RegExp(`^${ownVariables}`);

/** isOwnVariable tells the variables of CI systems, of Node and of Sluice from those that a user may name. */
export const isOwnVariable = (name: string): boolean => own.test(name);

/** isVariableName tells what can be the name of an environment variable. */
export const isVariableName = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
