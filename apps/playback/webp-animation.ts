import { isGeometry } from '../common/pixels.ts';

/** One picture of an animation, and how it changes the canvas. */
export interface WebpFrame {
  x: number;
  y: number;
  width: number;
  height: number;
  durationMs: number;
  /** Put over what is there by its transparency, and not instead of it. */
  isBlended: boolean;
  /** Its place becomes transparent after its time. */
  isDisposed: boolean;
  /** The picture, as a WebP file of its own. */
  file: Buffer;
}

export interface WebpAnimation {
  width: number;
  height: number;
  frames: WebpFrame[];
}

/** Browsers take such a time for one that was not set. */
const UNSET_MS = 10;
const USUAL_MS = 100;
const HEAD_BYTES = 12;
const FRAME_BYTES = 16;

/**
 * Takes an animated WebP apart: RFC 9649, 2.7. ffmpeg before 8.1 only decodes its pictures one by one.
 *
 * @throws Error with a few words for an operator: "has no picture in it"
 */
export function readAnimation(bytes: Buffer): WebpAnimation {
  const canvas = chunks(bytes.subarray(HEAD_BYTES)).find(({ type }) => type === 'VP8X')?.data;
  if (!canvas || canvas.length < 10) throw new Error('has no animation in it');
  const width = 1 + canvas.readUIntLE(4, 3);
  const height = 1 + canvas.readUIntLE(7, 3);
  if (!isGeometry(width, height)) throw new Error(`has a canvas of ${width}×${height}, which is too large`);
  const frames = chunks(bytes.subarray(HEAD_BYTES))
    .filter(({ type, data }) => type === 'ANMF' && data.length > FRAME_BYTES)
    .map(({ data }) => readFrame(data))
    .filter(frame => frame !== undefined)
    .filter(frame => frame.x + frame.width <= width && frame.y + frame.height <= height);
  if (frames.length === 0) throw new Error('has no picture in it');
  return { width, height, frames };
}

interface Chunk {
  type: string;
  data: Buffer;
}

function chunks(bytes: Buffer): Chunk[] {
  const found: Chunk[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt32LE(at + 4);
    found.push({ type: bytes.toString('latin1', at, at + 4), data: bytes.subarray(at + 8, at + 8 + length) });
    at += 8 + length + (length % 2);
  }
  return found;
}

/** Returns undefined for a picture that is not of the size that its frame says. */
function readFrame(data: Buffer): WebpFrame | undefined {
  const width = 1 + data.readUIntLE(6, 3);
  const height = 1 + data.readUIntLE(9, 3);
  const durationMs = data.readUIntLE(12, 3);
  const flags = data.readUInt8(15);
  const parts = chunks(data.subarray(FRAME_BYTES));
  const picture = parts.find(({ type }) => type === 'VP8 ' || type === 'VP8L');
  const size = picture && pictureSize(picture);
  if (!picture || size?.width !== width || size.height !== height) return undefined;
  const alpha = picture.type === 'VP8 ' ? parts.find(({ type }) => type === 'ALPH') : undefined;
  return {
    x: 2 * data.readUIntLE(0, 3),
    y: 2 * data.readUIntLE(3, 3),
    width,
    height,
    durationMs: durationMs <= UNSET_MS ? USUAL_MS : durationMs,
    isBlended: (flags & 2) === 0,
    isDisposed: (flags & 1) === 1,
    file: alpha ? webpFile(extended(width, height), alpha, picture) : webpFile(picture),
  };
}

/** RFC 6386, 9.1, and RFC 9649, 3.4. */
function pictureSize({ type, data }: Chunk): { width: number; height: number } | undefined {
  if (data.length < 10) return undefined;
  if (type === 'VP8 ') return { width: data.readUInt16LE(6) & 0x3fff, height: data.readUInt16LE(8) & 0x3fff };
  const bits = data.readUInt32LE(1);
  return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
}

/** The chunk that says that there is transparency. */
function extended(width: number, height: number): Chunk {
  const data = Buffer.alloc(10);
  data.writeUInt8(0x10);
  data.writeUIntLE(width - 1, 4, 3);
  data.writeUIntLE(height - 1, 7, 3);
  return { type: 'VP8X', data };
}

function webpFile(...parts: Chunk[]): Buffer {
  const body = parts.flatMap(({ type, data }) => {
    const head = Buffer.alloc(8);
    head.write(type, 'latin1');
    head.writeUInt32LE(data.length, 4);
    return [head, data, Buffer.alloc(data.length % 2)];
  });
  const head = Buffer.alloc(HEAD_BYTES);
  head.write('RIFF', 0);
  head.writeUInt32LE(4 + body.reduce((sum, part) => sum + part.length, 0), 4);
  head.write('WEBP', 8);
  return Buffer.concat([head, ...body]);
}
