import koffi from 'koffi';

/** https://man7.org/linux/man-pages/man2/PR_SET_DUMPABLE.2const.html */
const PR_SET_DUMPABLE = 4;

/**
 * Has the kernel write no core dump of this process, because keys and passwords are in its memory. Other processes of the same
 * user can no longer read that memory either. Returns whether the kernel does so.
 */
export function forbidCoreDump(): boolean {
  try {
    const everythingLoaded = null;
    const prctl = koffi.load(everythingLoaded).func('int prctl(int option, unsigned long value)');
    return prctl(PR_SET_DUMPABLE, 0) === 0;
  } catch {
    return false;
  }
}
