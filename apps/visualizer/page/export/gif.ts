/** Writes animated GIFs. The format: https://www.w3.org/Graphics/GIF/spec-gif89a.txt */

export interface GifFrame {
  /** An index into the palette for each pixel. */
  pixels: Uint8Array;
  holdMs: number;
}

/** Returns the parts of an endless animation; a frame that occurs twice is compressed once. */
export function encodeGif(
  width: number,
  height: number,
  palette: Uint8Array,
  frames: GifFrame[],
): Uint8Array<ArrayBuffer>[] {
  const word = (value: number) => [value & 255, value >> 8];
  const compressed = new Map<Uint8Array, Uint8Array<ArrayBuffer>>();
  const parts = [
    Uint8Array.of(...text('GIF89a'), ...word(width), ...word(height), 0xf7, 0, 0),
    new Uint8Array(palette),
    Uint8Array.of(0x21, 0xff, 11, ...text('NETSCAPE2.0'), 3, 1, 0, 0, 0),
  ];
  // A delay is a whole number of 10 ms: what rounding takes from a frame, the next ones get.
  let [atMs, atCs] = [0, 0];
  for (const { pixels, holdMs } of frames) {
    atMs += holdMs;
    const delayCs = Math.round(atMs / 10) - atCs;
    atCs += delayCs;
    parts.push(
      Uint8Array.of(0x21, 0xf9, 4, 4, ...word(Math.min(delayCs, 0xffff)), 0, 0),
      Uint8Array.of(0x2c, 0, 0, 0, 0, ...word(width), ...word(height), 0),
    );
    const data = compressed.get(pixels) ?? compress(pixels);
    compressed.set(pixels, data);
    parts.push(data);
  }
  parts.push(Uint8Array.of(0x3b));
  return parts;
}

function text(ascii: string): number[] {
  return [...ascii].map(character => character.charCodeAt(0));
}

const CODE_BITS = 8;
const CLEAR = 256;
const END = 257;
const MAX_CODE = 4095;

/** LZW with codes of 9 to 12 bits, in blocks of up to 255 bytes. */
function compress(pixels: Uint8Array): Uint8Array<ArrayBuffer> {
  // The codes grow by at most half, and every 255 bytes take one more.
  const bytes = new Uint8Array(Math.ceil(pixels.length * 1.6) + 1024);
  bytes[0] = CODE_BITS;
  let [at, block] = [2, 1];
  let [bits, bitCount, size, next] = [0, 0, CODE_BITS + 1, END + 1];
  // The code of each known string and what follows it: string × 256 + pixel.
  const codes = new Int16Array((MAX_CODE + 1) * 256).fill(-1);
  const put = (code: number) => {
    bits |= code << bitCount;
    bitCount += size;
    while (bitCount >= 8) putByte();
  };
  const putByte = () => {
    if (at - block > 255) {
      bytes[block] = 255;
      block = at++;
    }
    bytes[at++] = bits & 255;
    bits >>>= 8;
    bitCount -= 8;
  };
  put(CLEAR);
  let code = pixels[0]!;
  for (let i = 1; i < pixels.length; i++) {
    const pixel = pixels[i]!;
    const key = code * 256 + pixel;
    const longer = codes[key]!;
    if (longer >= 0) {
      code = longer;
      continue;
    }
    put(code);
    code = pixel;
    if (next <= MAX_CODE) {
      if (next === 1 << size) size++;
      codes[key] = next++;
    } else {
      put(CLEAR);
      codes.fill(-1);
      [size, next] = [CODE_BITS + 1, END + 1];
    }
  }
  put(code);
  put(END);
  if (bitCount > 0) putByte();
  bytes[block] = at - block - 1;
  bytes[at++] = 0;
  return bytes.slice(0, at);
}
