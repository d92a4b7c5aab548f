import { onAbort } from './abort.ts';

/** How long free memory stays for frames to come, instead of going back to the kernel. */
const TRIM_MS = 15_000;

type Trim = (keepBytes: number) => number;

let trim: Promise<Trim> | undefined;

/** Returns glibc's `malloc_trim`, or a function that does nothing if the C library has none (e.g. musl). */
async function findTrim(): Promise<Trim> {
  try {
    const { default: koffi } = await import('koffi');
    const everythingLoaded = null;
    return koffi.load(everythingLoaded).func('int malloc_trim(size_t pad)') as Trim;
  } catch {
    return () => 0;
  }
}

/**
 * Returns malloc's free memory to the kernel, wherever it is. By itself malloc returns only what is free at the end of its
 * heap, but the memory that viewers, large frames and unfinished messages leave behind is between pieces that are in use.
 *
 * Cost: 1 to 12 ms with frames of 4K. https://man7.org/linux/man-pages/man3/malloc_trim.3.html
 */
export async function trimMalloc(): Promise<void> {
  trim ??= findTrim();
  (await trim)(0);
}

/** Does so again and again, until `signal` is aborted. */
export function keepTrimmed(signal: AbortSignal): void {
  const timer = setInterval(() => void trimMalloc(), TRIM_MS).unref();
  onAbort(signal, () => clearInterval(timer));
}
