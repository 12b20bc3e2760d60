/** Accepted is a successful operation; its data goes into the envelope. */
export interface Accepted {
  readonly status: number;
  readonly data: unknown;
}

/** Refused is what a plane, or the gateway before it, refuses. */
export interface Refused {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** Reply is the outcome of one control-plane operation. */
export type Reply = Accepted | Refused;

/** accept answers with data. */
export const accept = (data: unknown, status = 200): Accepted => ({ status, data });

/** refuse answers with an error's code and message. */
export const refuse = (status: number, code: string, message: string): Refused => ({ status, code, message });

/** notFound refuses a name or an id that nothing has. */
export const notFound = (what: string): Refused => refuse(404, 'ERR_NOT_FOUND', `${what} does not exist`);

/** invalid refuses a malformed parameter. */
export const invalid = (message: string): Refused => refuse(400, 'ERR_VALIDATION_FAILED', message);

/** badRequest refuses what cannot be done in this state, or with what was sent. */
export const badRequest = (message: string): Refused => refuse(400, 'ERR_BAD_REQUEST', message);
