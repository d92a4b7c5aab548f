/** Why a service could not go on. Closed: a new way to fail gets a new code here. */
export type FaultCode =
  | 'bad-configuration'
  | 'bad-clip'
  | 'no-ffmpeg'
  | 'decoder-failed'
  | 'cannot-listen'
  | 'no-encoder'
  | 'encode-failed';

/**
 * A failure that is told to the operator in one sentence: what it concerns, what it was, what would do.
 * `exitCode` is 2 where the operator's own setting is at fault and a restart would change nothing, else 1.
 */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly exitCode: 1 | 2;

  constructor(code: FaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Fault';
    this.code = code;
    this.exitCode = code === 'bad-configuration' || code === 'bad-clip' ? 2 : 1;
  }
}

/** What Node's system calls throw, and what libzmq's errors look like through the addon. */
export interface SystemError extends Error {
  code?: string;
}

const OUT_OF_DESCRIPTORS = new Set(['EMFILE', 'ENFILE']);

/** Returns whether an error, or what caused it, is that no file descriptor was left. */
export function isOutOfDescriptors(thrown: unknown): boolean {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (OUT_OF_DESCRIPTORS.has((error as SystemError).code ?? '')) return true;
  }
  return false;
}

/** What an operator does about it, whatever it was that needed one. */
export const OUT_OF_DESCRIPTORS_REMEDY =
  'no file descriptor is left; raise the limit (ulimit -n, LimitNOFILE= in a systemd unit, --ulimit nofile= of podman)';

export function asError(thrown: unknown): SystemError {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
