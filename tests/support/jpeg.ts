import { createCanvas, loadImage } from 'canvas';

/** A decoded JPEG: RGBA bytes, rows packed. */
export interface Decoded {
  width: number;
  height: number;
  rgba: Uint8ClampedArray;
}

export async function decodeJpeg(jpeg: Buffer): Promise<Decoded> {
  const image = await loadImage(jpeg);
  const { width, height } = image;
  const context = createCanvas(width, height).getContext('2d');
  context.drawImage(image, 0, 0);
  return { width, height, rgba: context.getImageData(0, 0, width, height).data };
}

/** The brightest channel among the pixels that `where` picks. */
export function brightest(
  { width, height, rgba }: Decoded,
  where: (x: number, y: number) => boolean,
): number {
  let most = 0;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (!where(x, y)) continue;
      const at = 4 * (y * width + x);
      most = Math.max(most, rgba[at] ?? 0, rgba[at + 1] ?? 0, rgba[at + 2] ?? 0);
    }
  }
  return most;
}

/** The JPEG as it is without the comment that a snapshot begins with. */
export function withoutComment(jpeg: Buffer): Buffer {
  if (jpeg.readUInt16BE(2) !== 0xfffe) return jpeg;
  return Buffer.concat([jpeg.subarray(0, 2), jpeg.subarray(4 + jpeg.readUInt16BE(4))]);
}
