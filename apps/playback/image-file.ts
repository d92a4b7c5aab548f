import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { asError } from '../common/errors.ts';
import { type ImageCodec, type ImageHeader, readHeader } from './image-header.ts';

/** A full disk of 10 848 pixels a side is 120 MB as PNG at most, and 350 MB as TIFF that is not compressed. */
const MAX_BYTES = 384 * 2 ** 20;

/** A picture as it lay in its file, whole. */
export interface Image {
  path: string;
  bytes: Buffer;
  codec: ImageCodec;
  /** How its samples are stored. */
  kind: string;
  width: number;
  height: number;
}

/**
 * Reads a picture from its file.
 *
 * @throws Error with a few words for an operator: "is only half there"
 */
export async function readImage(path: string): Promise<Image> {
  const bytes = await readWhole(path);
  const header = readHeader(bytes);
  if (!header) throw new Error('is not a picture that playback reads');
  if (!header.isWhole) throw new Error(`is only half there, as a ${header.name}`);
  if (header.unread !== undefined)
    throw new Error(`is a ${header.name} ${header.unread}, which playback does not read; convert it to PNG`);
  const { codec, kind, width, height } = header;
  return { path, bytes, codec, kind, width, height };
}

/** Returns what kind of picture file it is, whole or not; undefined for any other file. */
export async function pictureHeader(path: string): Promise<ImageHeader | undefined> {
  try {
    return readHeader(await readWhole(path));
  } catch {
    // What opens it as a clip has the words for it.
    return undefined;
  }
}

async function readWhole(path: string): Promise<Buffer> {
  try {
    // Without blocking, should it be a pipe.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const before = await file.stat({ bigint: true });
    if (!before.isFile()) throw new Error('is not a regular file');
    if (before.size === 0n) throw new Error('is empty');
    const start = Buffer.alloc(16);
    await file.read(start, 0, start.length, 0);
    if (!readHeader(start, true)) throw new Error('is not a picture that playback reads');
    if (before.size > MAX_BYTES) throw new Error(`is larger than ${MAX_BYTES / 2 ** 20} MB`);
    const bytes = Buffer.allocUnsafeSlow(Number(before.size));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    const after = await file.stat({ bigint: true });
    if (bytesRead !== bytes.length || after.mtimeNs !== before.mtimeNs || after.size !== before.size) {
      throw new Error('is being written');
    }
    return bytes;
  } catch (thrown) {
    const { code, message } = asError(thrown);
    if (code === 'ENOENT' && path.includes('\uFFFD')) throw new Error('has a name that is not UTF-8');
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new Error('does not exist');
    if (code === 'EACCES' || code === 'EPERM') throw new Error('may not be read by this user');
    throw new Error(code === undefined ? message : `cannot be read (${code})`);
  }
}
