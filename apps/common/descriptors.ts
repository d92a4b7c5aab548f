import { open } from 'node:fs/promises';
import { onAbort } from './abort.ts';
import { isOutOfDescriptors, OUT_OF_DESCRIPTORS_REMEDY } from './errors.ts';

const LOOK_MS = 1000;

/** Returns whether this process can open one more file or connection. */
export async function isDescriptorLeft(): Promise<boolean> {
  try {
    await using _one = await open('/dev/null');
    return true;
  } catch (thrown) {
    return !isOutOfDescriptors(thrown);
  }
}

/**
 * Looks every second, until `signal` is aborted, whether a descriptor is left, and calls `warn` while none is. Without
 * one, the kernel's new connections are closed below Node, which reports nothing.
 */
export function watchDescriptors(warn: (why: string) => void, signal: AbortSignal): void {
  const look = async () => {
    if (!(await isDescriptorLeft())) warn(OUT_OF_DESCRIPTORS_REMEDY);
  };
  const looking = setInterval(() => void look(), LOOK_MS).unref();
  onAbort(signal, () => clearInterval(looking));
}
