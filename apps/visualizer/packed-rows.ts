/**
 * Packs the rows of a BGR picture whose columns are packed, channel by channel (NumPy's Fortran order), which no encoder
 * takes. Only a Python peer that transposes its arrays sends such: element (y, x, channel) lies at
 * y + height × (x + width × channel).
 *
 * A copy, and one that walks across the columns.
 */
export function packedRows(pixels: Uint8Array, width: number, height: number): Uint8Array {
  const planeBytes = width * height;
  const rows = new Uint8Array(3 * planeBytes);
  let at = 0;
  for (let y = 0; y < height; y += 1) {
    for (let from = y; from < planeBytes; from += height) {
      rows[at] = pixels[from]!;
      rows[at + 1] = pixels[from + planeBytes]!;
      rows[at + 2] = pixels[from + 2 * planeBytes]!;
      at += 3;
    }
  }
  return rows;
}
