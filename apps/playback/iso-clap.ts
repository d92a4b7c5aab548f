import type { Crop, ReadAt } from './crop.ts';
import type { Size } from './shape.ts';

/**
 * Reads the clean aperture of a video track or, in a file without one, of its primary picture.
 *
 * @throws RangeError where the file is not what its structure says
 */
export async function isoClap(read: ReadAt, ordinal: number, coded: Size): Promise<Crop | undefined> {
  const [movie, meta] = await topLevel(read);
  const clap = movie ? trackClap(movie, ordinal) : meta && itemClap(meta);
  return clap && cropOf(clap, coded);
}

interface Box {
  type: string;
  payload: Buffer;
}

/** Boxes at the top of a file before playing is given up on: a fragmented one has two a fragment, after its index. */
const MOST_BOXES = 100_000;

/** Returns the two boxes that may describe pictures. ISO 14496-12, 4.2. */
async function topLevel(read: ReadAt): Promise<[movie: Buffer | undefined, meta: Buffer | undefined]> {
  let meta: Buffer | undefined;
  let at = 0;
  try {
    for (let count = 0; count < MOST_BOXES; count += 1) {
      const head = await read(at, 8);
      const type = head.toString('latin1', 4, 8);
      const isLong = head.readUInt32BE() === 1;
      const size = isLong ? Number((await read(at + 8, 8)).readBigUInt64BE()) : head.readUInt32BE();
      const headBytes = isLong ? 16 : 8;
      // 0: to the end of the file. Nothing that we look for is last in that way.
      if (size < headBytes) break;
      if (type === 'moov') return [await read(at + headBytes, size - headBytes), meta];
      if (type === 'meta') meta = await read(at + headBytes, size - headBytes);
      at += size;
    }
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
  }
  return [undefined, meta];
}

function boxes(bytes: Buffer, from = 0): Box[] {
  const found: Box[] = [];
  for (let at = from; at + 8 <= bytes.length; ) {
    const size = bytes.readUInt32BE(at);
    if (size < 8 || at + size > bytes.length) break;
    found.push({
      type: bytes.toString('latin1', at + 4, at + 8),
      payload: bytes.subarray(at + 8, at + size),
    });
    at += size;
  }
  return found;
}

/** Returns what lies at the end of a path of types, the first of each. */
function inside(bytes: Buffer | undefined, ...path: string[]): Buffer | undefined {
  const [type, ...rest] = path;
  if (!bytes || type === undefined) return bytes;
  return inside(boxes(bytes).find(box => box.type === type)?.payload, ...rest);
}

/** Bytes of a sample description before its entries, and of an entry before its boxes: 8.5.2 and 12.1.3. */
const DESCRIPTION_BYTES = 8;
const ENTRY_BYTES = 78;

function trackClap(movie: Buffer, ordinal: number): Buffer | undefined {
  const isVideo = ({ type, payload }: Box) =>
    type === 'trak' && inside(payload, 'mdia', 'hdlr')?.toString('latin1', 8, 12) === 'vide';
  const track = boxes(movie).filter(isVideo)[ordinal]?.payload;
  const description = inside(track, 'mdia', 'minf', 'stbl', 'stsd');
  const [entry] = description ? boxes(description, DESCRIPTION_BYTES) : [];
  return entry && boxes(entry.payload, ENTRY_BYTES).find(({ type }) => type === 'clap')?.payload;
}

/** ISO 23008-12, 9.3, and ISO 14496-12, 8.11: the properties that are associated with the primary item. */
function itemClap(meta: Buffer): Buffer | undefined {
  const parts = meta.subarray(4);
  const primary = inside(parts, 'pitm');
  const associations = inside(parts, 'iprp', 'ipma');
  const properties = inside(parts, 'iprp', 'ipco');
  if (!primary || !associations || !properties) return undefined;
  const id = primary.readUInt8(0) === 0 ? primary.readUInt16BE(4) : primary.readUInt32BE(4);
  const claps = boxes(properties);
  const hasLongId = associations.readUInt8(0) > 0;
  const isLong = (associations.readUInt8(3) & 1) === 1;
  let at = 8;
  for (let entry = 0; entry < associations.readUInt32BE(4); entry += 1) {
    const item = hasLongId ? associations.readUInt32BE(at) : associations.readUInt16BE(at);
    at += hasLongId ? 4 : 2;
    const count = associations.readUInt8(at);
    at += 1;
    for (let n = 0; n < count; n += 1) {
      const index = isLong ? associations.readUInt16BE(at) & 0x7fff : associations.readUInt8(at) & 0x7f;
      at += isLong ? 2 : 1;
      const property = claps[index - 1];
      if (item === id && property?.type === 'clap') return property.payload;
    }
  }
  return undefined;
}

/** Keeps what is a whole number in exact arithmetic from falling below it. */
const ROUNDING = 1e-9;

/** 12.1.4: the aperture's size, and how far its middle is from the picture's. Rounded as ffmpeg 7.1 does it. */
function cropOf(clap: Buffer, { width, height }: Size): Crop {
  const number = (index: number) => clap.readInt32BE(8 * index) / clap.readInt32BE(8 * index + 4);
  const sides = (length: number, aperture: number, offset: number): [number, number] => {
    const middle = (length - 1) / 2 + offset;
    const first = Math.floor(middle - (aperture - 1) / 2 + ROUNDING);
    const last = Math.floor(middle + (aperture - 1) / 2 + ROUNDING);
    return aperture > length ? [-1, -1] : [first, length - 1 - last];
  };
  const [left, right] = sides(width, number(0), number(2));
  const [top, bottom] = sides(height, number(1), number(3));
  return { left, top, right, bottom };
}
