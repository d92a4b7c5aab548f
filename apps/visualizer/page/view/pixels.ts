/** Decoded pixels; their owner closes them. */
export type Pixels = ImageBitmap | VideoFrame;

/** Whether this browser can show frames as video, which needs a secure connection, or localhost. */
const FILMS = 'MediaStreamTrackGenerator' in globalThis && 'ImageDecoder' in globalThis;

/** An empty video delays the load event, in a window that was never seen for good. */
function canFilm(): boolean {
  return FILMS && document.readyState === 'complete';
}

/**
 * Decodes a JPEG. As a frame of a video it stays in its own three planes: that takes half of the CPU that an ImageBitmap
 * takes until it is on the screen.
 */
export async function decode(data: Uint8Array<ArrayBuffer>): Promise<Pixels> {
  const type = 'image/jpeg';
  if (!canFilm()) return createImageBitmap(new Blob([data], { type }));
  const decoder = new ImageDecoder({ data, type });
  try {
    const { image } = await decoder.decode();
    return image;
  } finally {
    decoder.close();
  }
}

export function sizeOf(pixels: Pixels): [width: number, height: number] {
  return 'codedWidth' in pixels ? [pixels.displayWidth, pixels.displayHeight] : [pixels.width, pixels.height];
}
