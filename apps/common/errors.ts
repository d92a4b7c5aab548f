/** Why a service could not go on. Closed: a new way to fail gets a new code here. */
export type FaultCode =
  | 'bad-configuration'
  | 'bad-clip'
  | 'no-ffmpeg'
  | 'decoder-failed'
  | 'cannot-listen'
  | 'no-encoder'
  | 'encode-failed'
  | 'marking-changed';

/**
 * A failure that is reported to the operator in one sentence: the thing, its value, the remedy.
 * `exitCode` is 2 if the operator's own setting is at fault and a restart would change nothing, else 1.
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

/** An error of a system call through Node, or of libzmq through its addon. */
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

/** The sentence for the operator, whatever needed one. */
export const OUT_OF_DESCRIPTORS_REMEDY =
  'no file descriptor is left; raise the limit (ulimit -n, LimitNOFILE= in a systemd unit, --ulimit nofile= of podman)';

/** Returns what to tell the operator. Of whatever needed a descriptor its own remedy would be the wrong one. */
export function sentenceOf(error: Error): string {
  return isOutOfDescriptors(error) ? OUT_OF_DESCRIPTORS_REMEDY : error.message;
}

export function asError(thrown: unknown): SystemError {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
