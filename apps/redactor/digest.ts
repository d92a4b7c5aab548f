import { createHash } from 'node:crypto';

/** Returns the JSON of a value with sorted keys and no spaces (RFC 8785, for the values that a mask has). */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  // Not localeCompare: the order must not depend on the machine.
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, part]) => `${JSON.stringify(key)}:${canonical(part)}`).join(',')}}`;
}

/** Returns the first 8 bytes of the SHA-256 of the canonical form, as the wire has them. */
export function digestOf(value: unknown): bigint {
  return createHash('sha256').update(canonical(value)).digest().readBigUInt64BE(0);
}

/** Returns a digest as it is shown: 16 hex digits. */
export function hexDigest(digest: bigint): string {
  return digest.toString(16).padStart(16, '0');
}
