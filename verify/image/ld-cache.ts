/** Reads /etc/ld.so.cache: the format of glibc 2.2 and later, from glibc's dl-cache.h. */

const MAGIC = 'glibc-ld.so.cache1.1';
const HEADER_BYTES = 48;
const ENTRY_BYTES = 24;

/** Returns each library with the path that the loader takes it from; undefined if this is no such cache, or is damaged. */
export function cachedLibraries(bytes: Buffer): { name: string; path: string }[] | undefined {
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  const count = bytes.readUInt32LE(20);
  if (HEADER_BYTES + count * ENTRY_BYTES > bytes.length) return undefined;
  const libraries = [];
  for (let at = HEADER_BYTES; at < HEADER_BYTES + count * ENTRY_BYTES; at += ENTRY_BYTES) {
    const name = textAt(bytes, bytes.readUInt32LE(at + 4));
    const path = textAt(bytes, bytes.readUInt32LE(at + 8));
    if (name === undefined || path === undefined) return undefined;
    libraries.push({ name, path });
  }
  return libraries;
}

function textAt(bytes: Buffer, offset: number): string | undefined {
  const end = offset < bytes.length ? bytes.indexOf(0, offset) : -1;
  return end === -1 ? undefined : bytes.toString('utf8', offset, end);
}
