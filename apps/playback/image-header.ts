/** Finds out what kind of picture a file holds, and whether all of it is there. */

/** ffmpeg's names of the decoders. */
export type ImageCodec = 'mjpeg' | 'png' | 'webp' | 'tiff' | 'gif' | 'bmp';

export interface ImageHeader {
  codec: ImageCodec;
  /** For people. */
  name: string;
  width: number;
  height: number;
  isWhole: boolean;
  /** Several pictures, one after another: a video to us. */
  isAnimated: boolean;
  /** How samples are stored: pictures that agree on it are decoded and converted alike. */
  kind: string;
  /** How it is stored, for people, if ffmpeg does not read that, or shows it as black. */
  unread?: string | undefined;
}

/**
 * Returns what the bytes of a file are, if they are a picture.
 *
 * @param isStart the bytes are only the first 16 of the file, and only `codec` and `name` count
 */
export function readHeader(bytes: Buffer, isStart = false): ImageHeader | undefined {
  const text = bytes.toString('latin1', 0, 16);
  try {
    if (text.startsWith('\xff\xd8\xff')) return isStart ? blank('mjpeg', 'JPEG') : readJpeg(bytes);
    if (text.startsWith('\x89PNG\r\n\x1a\n')) return isStart ? blank('png', 'PNG') : readPng(bytes);
    if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP')
      return isStart ? blank('webp', 'WebP') : readWebp(bytes);
    if (/^(II\*\0|MM\0\*)/.test(text)) return isStart ? blank('tiff', 'TIFF') : readTiff(bytes);
    if (/^GIF8[79]a/.test(text)) return isStart ? blank('gif', 'GIF') : readGif(bytes);
    if (text.startsWith('BM')) return isStart ? blank('bmp', 'BMP') : readBmp(bytes);
  } catch (thrown) {
    // A structure that leads past the end of what is there.
    if (!(thrown instanceof RangeError)) throw thrown;
    const start = readHeader(bytes.subarray(0, 16), true);
    return start && { ...start, isWhole: false };
  }
  return undefined;
}

function blank(codec: ImageCodec, name: string): ImageHeader {
  return { codec, name, width: 0, height: 0, isWhole: true, isAnimated: false, kind: codec };
}

/** ITU-T T.81, B.1: markers with lengths up to the first scan, whose data holds no marker but stuffed and restart ones. */
function readJpeg(bytes: Buffer): ImageHeader {
  let kind = 'mjpeg';
  let [width, height] = [0, 0];
  let unread: string | undefined;
  let isPreviewed = false;
  let at = 2;
  for (;;) {
    while (bytes[at + 1] === 0xff) at += 1;
    const marker = bytes.readUInt16BE(at);
    if (marker >>> 8 !== 0xff) return { ...blank('mjpeg', 'JPEG'), isWhole: false };
    const length = bytes.readUInt16BE(at + 2);
    const isFrame = marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker);
    // Precision, and the components' number and sampling.
    if (isFrame) {
      kind = `mjpeg ${bytes[at + 4]} ${bytes.toString('hex', at + 9, at + 2 + length)}`;
      [width, height] = [bytes.readUInt16BE(at + 7), bytes.readUInt16BE(at + 5)];
      if ((marker & 0xff) >= 0xc9) unread = 'with arithmetic coding';
      else if (bytes[at + 4]! > 8 && marker <= 0xffc2) unread = `of ${bytes[at + 4]} bits a sample`;
    }
    // Adobe's way to say that samples are RGB, or CMYK as it is.
    if (marker === 0xffee) kind += ` ${bytes[at + 2 + length - 1]}`;
    // The orientation may be in it.
    if (marker === 0xffe1 && bytes.toString('latin1', at + 4, at + 8) === 'Exif')
      kind += ` ${orientationOf(bytes.subarray(at + 10, at + 2 + length))}`;
    // CIPA DC-007: a second picture in the file is a preview, or the other eye's.
    if (marker === 0xffe2) isPreviewed ||= bytes.toString('latin1', at + 4, at + 8) === 'MPF\0';
    at += 2 + length;
    if (marker === 0xffda) break;
  }
  const end = bytes.indexOf('\xff\xd9', at, 'latin1');
  // A second picture of a stream follows at once; what cameras put behind the end is something else.
  const isAnimated = end > 0 && bytes.toString('latin1', end + 2, end + 5) === '\xff\xd8\xff' && !isPreviewed;
  return { ...blank('mjpeg', 'JPEG'), width, height, isWhole: end > 0, isAnimated, kind, unread };
}

/** Exif 2.3, 4.6.4: the tag 0x0112 of the first directory; 1 where that is not whole, as ffmpeg has it. */
function orientationOf(tiff: Buffer): number {
  const isLittle = tiff.toString('latin1', 0, 2) === 'II';
  const u16 = (at: number) => (isLittle ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const u32 = (at: number) => (isLittle ? tiff.readUInt32LE(at) : tiff.readUInt32BE(at));
  try {
    const directory = u32(4);
    for (let entry = 0; entry < u16(directory); entry += 1) {
      const at = directory + 2 + 12 * entry;
      if (u16(at) === 0x0112) return u16(at + 8);
    }
  } catch (thrown) {
    // What is wrong there is not the picture.
    if (!(thrown instanceof RangeError)) throw thrown;
  }
  return 1;
}

/** PNG, third edition, 5.3: chunks up to IEND; acTL makes it an animation. */
function readPng(bytes: Buffer): ImageHeader {
  let isAnimated = false;
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  // Bit depth and colour type.
  let kind = `png ${bytes.readUInt16BE(24)}`;
  for (let at = 8; ; ) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (type === 'acTL') isAnimated = bytes.readUInt32BE(at + 8) > 1;
    // ffmpeg 8 reads it.
    if (type === 'eXIf') kind += ` ${orientationOf(bytes.subarray(at + 8, at + 8 + length))}`;
    at += 12 + length;
    if (type === 'IEND') {
      return { ...blank('png', 'PNG'), width, height, isWhole: at <= bytes.length, isAnimated, kind };
    }
  }
}

const ZEROS = Buffer.alloc(32);

/** RFC 9649, 2.4 to 2.7, and RFC 6386, 9.1. */
function readWebp(bytes: Buffer): ImageHeader {
  // A copy onto a share may begin as zeros of the whole length. No picture ends in so many.
  const isReserved = bytes.subarray(-ZEROS.length).equals(ZEROS);
  const isWhole = 8 + bytes.readUInt32LE(4) <= bytes.length && !isReserved;
  const chunk = bytes.toString('latin1', 12, 16);
  const isExtended = chunk === 'VP8X';
  const flags = isExtended ? bytes.readUInt8(20) : 0;
  let size: [number, number];
  if (isExtended) {
    size = [bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1];
  } else if (chunk === 'VP8L') {
    const bits = bytes.readUInt32LE(21);
    size = [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1];
  } else {
    size = [bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff];
  }
  return {
    ...blank('webp', 'WebP'),
    width: size[0],
    height: size[1],
    isWhole,
    isAnimated: (flags & 2) !== 0,
    kind: `webp ${chunk} ${flags}`,
  };
}

/** Bytes of a value by its type, TIFF 6.0, section 2. */
const TIFF_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];

/** None, CCITT's three, LZW, two numbers for deflate, PackBits. */
const TIFF_COMPRESSIONS = new Set([1, 2, 3, 4, 5, 8, 32_946, 32_773]);

/** TIFF 6.0: the strips or tiles of the first directory. */
function readTiff(bytes: Buffer): ImageHeader {
  const isLittle = bytes.toString('latin1', 0, 2) === 'II';
  const u16 = (at: number) => (isLittle ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
  const u32 = (at: number) => (isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const directory = u32(4);
  const values = (at: number): number[] => {
    const size = TIFF_BYTES[u16(at + 2)] ?? 0;
    const count = u32(at + 4);
    const start = count * size <= 4 ? at + 8 : u32(at + 8);
    if (start + count * size > bytes.length) throw new RangeError('it leads past the end');
    if (size !== 1 && size !== 2 && size !== 4) return [];
    return Array.from({ length: count }, (_, n) =>
      size === 1 ? bytes.readUInt8(start + n) : size === 2 ? u16(start + 2 * n) : u32(start + 4 * n),
    );
  };
  const tags = new Map<number, number[]>();
  for (let entry = 0; entry < u16(directory); entry += 1) {
    const at = directory + 2 + 12 * entry;
    tags.set(u16(at), values(at));
  }
  // Where the next directory is, if there is one.
  u32(directory + 2 + 12 * u16(directory));
  const offsets = tags.get(273) ?? tags.get(324) ?? [];
  const lengths = tags.get(279) ?? tags.get(325) ?? [];
  const isWhole =
    offsets.length > 0 && offsets.every((offset, n) => offset + (lengths[n] ?? 0) <= bytes.length);
  const compression = tags.get(259)?.[0] ?? 1;
  let unread: string | undefined;
  if (tags.has(322)) unread = 'in tiles';
  else if (!TIFF_COMPRESSIONS.has(compression)) unread = `with compression ${compression}`;
  else if ((tags.get(339)?.[0] ?? 1) === 3) unread = 'of floating-point numbers';
  // Bits, photometric interpretation, orientation, samples a pixel, planes.
  const kind = `tiff ${[258, 262, 274, 277, 284].map(tag => tags.get(tag)?.join()).join(' ')}`;
  const [[width = 0] = [], [height = 0] = []] = [tags.get(256), tags.get(257)];
  return { ...blank('tiff', 'TIFF'), width, height, isWhole, kind, unread };
}

/** GIF89a, 17 to 27: blocks up to the trailer. */
function readGif(bytes: Buffer): ImageHeader {
  const tableBytes = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  const skipBlocks = (from: number) => {
    let at = from;
    while (bytes.readUInt8(at) !== 0) at += 1 + bytes.readUInt8(at);
    return at + 1;
  };
  let pictures = 0;
  for (let at = 13 + tableBytes(bytes.readUInt8(10)); ; ) {
    const block = bytes.readUInt8(at);
    if (block === 0x21) at = skipBlocks(at + 2);
    else if (block === 0x2c) {
      pictures += 1;
      at = skipBlocks(at + 11 + tableBytes(bytes.readUInt8(at + 9)));
    } else {
      const [width, height] = [bytes.readUInt16LE(6), bytes.readUInt16LE(8)];
      const isWhole = block === 0x3b && pictures > 0;
      return { ...blank('gif', 'GIF'), width, height, isWhole, isAnimated: pictures > 1 };
    }
  }
}

function readBmp(bytes: Buffer): ImageHeader {
  const isWhole = bytes.readUInt32LE(2) <= bytes.length;
  // Of the oldest form, which is OS/2's, sizes are shorter.
  const isOld = bytes.readUInt32LE(14) === 12;
  const width = isOld ? bytes.readUInt16LE(18) : bytes.readInt32LE(18);
  const height = isOld ? bytes.readUInt16LE(20) : Math.abs(bytes.readInt32LE(22));
  return {
    ...blank('bmp', 'BMP'),
    width,
    height,
    isWhole,
    kind: `bmp ${bytes.readUInt16LE(isOld ? 24 : 28)}`,
  };
}
