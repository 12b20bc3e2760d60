/** refusedAddress is the code of the error that a lookup ends with when a name leads to an address that is not allowed. */
export const refusedAddress = 'SLUICE_REFUSED_ADDRESS';

/** connectMs is how long a connection may take to be made. */
export const connectMs = 10_000;
