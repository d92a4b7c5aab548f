/**
 * Memory with an unreadable page behind it, so that a native library that reads one byte too many ends the process with
 * SIGSEGV. It is what an address sanitizer would report, for libraries that were not built with one.
 */
import koffi from 'koffi';

const PAGE_BYTES = 4096;
// Numbers of mman-linux.h.
const PROT_NONE = 0;
const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;

const libc = koffi.load(null);
const mmap = libc.func('void *mmap(void *addr, size_t length, int prot, int flags, int fd, long offset)');
const mprotect = libc.func('int mprotect(void *addr, size_t len, int prot)');

/** Returns a copy of `bytes` whose last byte is the last one that can be read. It is never freed. */
export function fenced(bytes: Uint8Array): Uint8Array {
  const roomBytes = Math.ceil(bytes.length / PAGE_BYTES) * PAGE_BYTES;
  const map = mmap(null, roomBytes + PAGE_BYTES, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
  const address = BigInt(koffi.address(map) as bigint);
  if (mprotect(address + BigInt(roomBytes), PAGE_BYTES, PROT_NONE) !== 0) throw new Error('mprotect failed');
  const copy = new Uint8Array(koffi.view(map, roomBytes), roomBytes - bytes.length);
  copy.set(bytes);
  return copy;
}
