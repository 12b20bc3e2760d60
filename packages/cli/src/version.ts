/** version is Sluice's own, for the user agent and `sluice version`. */
export const version = '0.1.0';
