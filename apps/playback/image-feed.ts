import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { ImageCodec } from './image-header.ts';

/** Bytes of the headers of an IVF stream and of a picture in it. */
const STREAM_HEADER_BYTES = 32;
const PICTURE_HEADER_BYTES = 12;

/**
 * Writes pictures to a decoder as one IVF stream, the simplest that ffmpeg reads with a time for each: its number, in
 * seconds. A decoder that ends early is no fault here.
 */
export async function feedImages(
  images: AsyncIterable<Uint8Array>,
  codec: ImageCodec,
  stream: Writable,
): Promise<void> {
  let isOpen = true;
  const closed = once(stream, 'close').finally(() => {
    isOpen = false;
  });
  // As when a decoder is killed in the middle of a picture.
  closed.catch(() => {});
  stream.on('error', () => stream.destroy());
  const write = async (bytes: Uint8Array) => {
    if (isOpen && !stream.write(bytes)) await Promise.race([once(stream, 'drain'), closed]).catch(() => {});
  };
  const header = Buffer.alloc(STREAM_HEADER_BYTES);
  header.write('DKIF');
  header.writeUInt16LE(STREAM_HEADER_BYTES, 6);
  // The codec is named to ffmpeg: IVF has no name for most. Under any other name than its own, a PNG is the difference from
  // the one before.
  header.write(codec === 'png' ? 'MPNG' : 'MJPG', 8);
  header.writeUInt32LE(1, 16);
  header.writeUInt32LE(1, 20);
  await write(header);
  let number = 0;
  for await (const bytes of images) {
    const head = Buffer.alloc(PICTURE_HEADER_BYTES);
    head.writeUInt32LE(bytes.length);
    head.writeBigUInt64LE(BigInt(number), 4);
    number += 1;
    await write(head);
    await write(bytes);
    if (!isOpen) return;
  }
  stream.end();
}
