import { open } from 'node:fs/promises';
import { onAbort } from './abort.ts';
import { isOutOfDescriptors, OUT_OF_DESCRIPTORS_REMEDY } from './errors.ts';

const LOOK_MS = 1000;

/**
 * Looks every second, until `signal` is aborted, whether a descriptor is left, and calls `warn` while none is. Without
 * one, the kernel's new connections are closed below Node, which reports nothing.
 */
export function watchDescriptors(warn: (why: string) => void, signal: AbortSignal): void {
  const look = async () => {
    try {
      await using _one = await open('/dev/null');
    } catch (thrown) {
      if (isOutOfDescriptors(thrown)) warn(OUT_OF_DESCRIPTORS_REMEDY);
    }
  };
  const looking = setInterval(() => void look(), LOOK_MS).unref();
  onAbort(signal, () => clearInterval(looking));
}
