/** Accepted is a successful operation; its data goes into the envelope. */
export interface Accepted {
  readonly status: number;
  readonly data: unknown;
}

/** Refused is an operation that the service refuses. */
export interface Refused {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** Reply is the outcome of one control-plane operation. */
export type Reply = Accepted | Refused;

export const accept = (data: unknown, status = 200): Accepted => ({ status, data });

export const refuse = (status: number, code: string, message: string): Refused => ({ status, code, message });

export const notFound = (what: string): Refused => refuse(404, 'ERR_NOT_FOUND', `${what} does not exist`);

export const invalid = (message: string): Refused => refuse(400, 'ERR_VALIDATION_FAILED', message);

export const badRequest = (message: string): Refused => refuse(400, 'ERR_BAD_REQUEST', message);
