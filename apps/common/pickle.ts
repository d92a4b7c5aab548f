/** How an array's elements follow each other: rows packed, or columns (NumPy's Fortran order). */
export type MemoryOrder = 'C' | 'F';

export type Located =
  | { ok: true; offset: number; length: number; order: MemoryOrder }
  | { ok: false; detail: string };

export function locateArray(_pickle: Uint8Array, _width: number, _height: number): Located {
  return { ok: false, detail: 'pickles are not read yet' };
}

export function pickleEnvelope(_width: number, _height: number): { before: Buffer; after: Buffer } {
  throw new RangeError('pickles are not written yet');
}
