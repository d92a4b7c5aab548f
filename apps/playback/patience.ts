import { Fault } from '../common/errors.ts';

/**
 * Waits for a promise, but not for ever.
 *
 * @param what what did not happen, for the message: "ffmpeg gave no frame of DATA_FILE loop.mp4"
 * @throws Fault `decoder-failed` after `patienceMs`
 */
export async function patiently<T>(promise: Promise<T>, patienceMs: number, what: string): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Fault('decoder-failed', `${what} for ${patienceMs / 1000} s; start playback again`));
  }, patienceMs);
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
