/** Yields plain bytes, whether they come plain, by gzip or by zstd: the first bytes say which. */
import { pipeline, Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { BadImage } from './bad-image.ts';

const GZIP = Buffer.from([0x1f, 0x8b]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

export function isCompressed(head: Buffer): boolean {
  return decoderFor(head) !== undefined;
}

export async function* decompressed(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const chunks = source[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  let ended = false;
  while (head.length < ZSTD.length && !ended) {
    const next = await chunks.next();
    if (next.done) ended = true;
    else head = Buffer.concat([head, next.value]);
  }
  const taken = { bytes: 0 };
  const whole = rest(head, chunks, taken);
  const decoder = decoderFor(head)?.();
  if (!decoder) {
    yield* whole;
    return;
  }
  let fault: unknown;
  pipeline(Readable.from(whole, { objectMode: false }), decoder, error => {
    fault = error;
  });
  try {
    yield* decoder;
  } catch (thrown) {
    const error = (fault ?? thrown) as NodeJS.ErrnoException;
    if (error instanceof BadImage || error.syscall !== undefined) throw error;
    throw new BadImage('the archive cannot be decompressed: it is damaged', { cause: error });
  }
  // Node's decoder of zstd stops at the end of a frame without a word, and podman's reads the next one too.
  if (decoder.bytesWritten < taken.bytes)
    throw new BadImage('the archive goes on after its first frame of zstd, which only some readers see');
}

function decoderFor(head: Buffer) {
  if (head.subarray(0, GZIP.length).equals(GZIP)) return createGunzip;
  return head.subarray(0, ZSTD.length).equals(ZSTD) ? createZstdDecompress : undefined;
}

/** Takes one chunk more than it yields, so that `taken` tells of one that no decoder asked for. */
async function* rest(
  head: Buffer,
  chunks: AsyncIterator<Buffer>,
  taken: { bytes: number },
): AsyncGenerator<Buffer> {
  try {
    taken.bytes = head.length;
    for (let chunk = head; ; ) {
      const next = await chunks.next();
      if (!next.done) taken.bytes += next.value.length;
      yield chunk;
      if (next.done) return;
      chunk = next.value;
    }
  } finally {
    await chunks.return?.();
  }
}
