const longestName = 64;

/** sideEndpointName names an endpoint that Sluice makes beside the users' one, at most 64 characters long. */
export const sideEndpointName = (users: string, suffix: string): string => `sluice-${users.slice(0, longestName - 'sluice-'.length - suffix.length)}${suffix}`;
