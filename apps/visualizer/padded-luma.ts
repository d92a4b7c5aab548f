/**
 * Returns an I420 picture of an odd size with its luma plane padded to an even one, as libturbojpeg reads it: the last
 * column and the last row are repeated. The chroma planes have that size already. An even picture is returned as it is.
 *
 * Cost for an odd size: one copy of the picture, row by row.
 */
export function paddedLuma(pixels: Uint8Array, width: number, height: number): Uint8Array {
  const evenWidth = width + (width % 2);
  const evenHeight = height + (height % 2);
  if (evenWidth === width && evenHeight === height) return pixels;
  const lumaBytes = width * height;
  const padded = new Uint8Array(evenWidth * evenHeight + pixels.length - lumaBytes);
  for (let row = 0; row < evenHeight; row += 1) {
    const from = Math.min(row, height - 1) * width;
    const to = row * evenWidth;
    padded.set(pixels.subarray(from, from + width), to);
    if (evenWidth > width) padded[to + width] = pixels[from + width - 1]!;
  }
  padded.set(pixels.subarray(lumaBytes), evenWidth * evenHeight);
  return padded;
}
