import type { Crop, ReadAt } from './crop.ts';
import type { Size } from './shape.ts';

const SEGMENT = 0x18538067;
const TRACKS = 0x1654ae6b;
const TRACK = 0xae;
const TYPE = 0x83;
const VIDEO = 0xe0;
const CROP = { left: 0x54cc, top: 0x54bb, right: 0x54dd, bottom: 0x54aa };
const DISPLAY = { width: 0x54b0, height: 0x54ba, unit: 0x54b2 };
/** Pixels, centimetres, inches and a mere ratio: all are proportions. 4 means unknown. */
const LAST_UNIT = 3;

/** Elements at the top of a file before the search ends: tracks that come behind the pictures have one a second before them. */
const MOST_ELEMENTS = 100_000;
/** A head that is this long is none. */
const HEAD_BYTES = 12;

/**
 * Reads a video track's PixelCrop elements. RFC 9559, 5.1.4.1.28.
 *
 * @throws RangeError where the file is not what its structure says
 */
export async function matroskaCrop(read: ReadAt, ordinal: number, coded: Size): Promise<Crop | undefined> {
  const tracks = await tracksOf(read);
  const videos =
    tracks && elements(tracks).filter(({ id, data }) => id === TRACK && numberOf(data, TYPE) === 1);
  const video = videos?.[ordinal] && find(videos[ordinal].data, VIDEO);
  if (!video) return undefined;
  const side = (id: number) => numberOf(video, id) ?? 0;
  const crop = {
    left: side(CROP.left),
    top: side(CROP.top),
    right: side(CROP.right),
    bottom: side(CROP.bottom),
  };
  const [across, down] = [numberOf(video, DISPLAY.width), numberOf(video, DISPLAY.height)];
  // The proportions of the picture after cropping; without them its pixels are square.
  const isKnown = across && down && (numberOf(video, DISPLAY.unit) ?? 0) <= LAST_UNIT;
  const width = coded.width - crop.left - crop.right;
  const height = coded.height - crop.top - crop.bottom;
  return { ...crop, sampleAspect: isKnown ? (across * height) / (down * width) : 1 };
}

async function tracksOf(read: ReadAt): Promise<Buffer | undefined> {
  let at = 0;
  for (let count = 0; count < MOST_ELEMENTS; count += 1) {
    const head = headAt(await read(at, HEAD_BYTES), 0);
    const isInside = head.id === SEGMENT;
    if (head.id === TRACKS) return await read(at + head.bytes, head.length);
    // A length that is not known: pictures of a live recording, behind its tracks.
    if (!isInside && !Number.isFinite(head.length)) return undefined;
    at += head.bytes + (isInside ? 0 : head.length);
  }
  return undefined;
}

interface Element {
  id: number;
  data: Buffer;
}

function elements(bytes: Buffer): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length; ) {
    const head = headAt(bytes, at);
    const start = at + head.bytes;
    if (!(start + head.length <= bytes.length)) throw new RangeError('it leads past the end');
    found.push({ id: head.id, data: bytes.subarray(start, start + head.length) });
    at = start + head.length;
  }
  return found;
}

function find(bytes: Buffer, wanted: number): Buffer | undefined {
  return elements(bytes).find(({ id }) => id === wanted)?.data;
}

function numberOf(bytes: Buffer, wanted: number): number | undefined {
  const data = find(bytes, wanted);
  if (!data || data.length > 6) return undefined;
  return data.length === 0 ? 0 : data.readUIntBE(0, data.length);
}

/** RFC 8794, 4 and 5: the leading zero bits of an identifier and of a length say how many bytes follow. */
function headAt(bytes: Buffer, at: number): { id: number; length: number; bytes: number } {
  const idBytes = Math.clz32(bytes.readUInt8(at)) - 23;
  const lengthAt = at + idBytes;
  const lengthBytes = Math.clz32(bytes.readUInt8(lengthAt)) - 23;
  if (idBytes > 4 || lengthBytes > 8) throw new RangeError('it is no element');
  const id = bytes.readUIntBE(at, idBytes);
  let length = bytes.readUInt8(lengthAt) & (0xff >> lengthBytes);
  let isKnown = length !== 0xff >> lengthBytes;
  for (let n = 1; n < lengthBytes; n += 1) {
    const byte = bytes.readUInt8(lengthAt + n);
    isKnown ||= byte !== 0xff;
    length = length * 256 + byte;
  }
  return { id, length: isKnown ? length : Number.POSITIVE_INFINITY, bytes: idBytes + lengthBytes };
}
