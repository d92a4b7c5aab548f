import koffi from 'koffi';

const POLLERR_OR_HUP = 0x8 | 0x10;

type Poll = (descriptors: Buffer, count: number, timeoutMs: number) => number;
let poll: Poll | undefined;

/**
 * Returns whether what reads this process's standard output is gone. Node learns it from a write that fails, and a chain
 * that runs well writes nothing; poll(2) reports it at once.
 */
export function outputIsClosed(): boolean {
  const everythingLoaded = null;
  poll ??= koffi
    .load(everythingLoaded)
    .func('int poll(_Inout_ uint8_t *fds, unsigned long count, int timeout)') as Poll;
  // struct pollfd { int fd; short events; short revents; }
  const descriptor = Buffer.alloc(8);
  descriptor.writeInt32LE(1);
  return poll(descriptor, 1, 0) > 0 && (descriptor.readInt16LE(6) & POLLERR_OR_HUP) !== 0;
}
