import { type PixelLayout, type Plane, planesOf } from '../common/pixels.ts';
import { borderSpans, evenBorder } from './border.ts';
import { type Colour, samplesOf } from './fill.ts';
import { halved, type Spans, transposed } from './spans.ts';

/** Covers a frame in its own bytes. */
export type Mask = (pixels: Uint8Array) => void;

/** Pixels and the colour that they get. */
export interface Layer {
  spans: Spans;
  colour: Colour;
}

/** What is set in one plane: runs of bytes, start and end in turn, and the bytes of one sample. */
export interface Fill {
  bounds: Uint32Array;
  sample: readonly number[];
}

const BLACK = { red: 0, green: 0, blue: 0 };

/** Returns the mask that blackens a border of `widthPx`, for every frame of one layout. */
export function borderMask(layout: PixelLayout, widthPx: number): Mask {
  const spans = borderSpans(layout.width, layout.height, evenBorder(widthPx));
  return maskOf(fillsOf([{ spans, colour: BLACK }], layout));
}

/**
 * Returns the fills that colour these layers in turn, made once a layout. A chroma sample that a covered pixel shares
 * with an uncovered one is covered.
 */
export function fillsOf(layers: readonly Layer[], layout: PixelLayout): Fill[] {
  return layers.flatMap(({ spans, colour }) => {
    const samples = samplesOf(colour);
    return planesOf(layout).map(plane => ({ bounds: byteRuns(spans, plane), sample: samples[plane.holds] }));
  });
}

/**
 * Returns the mask that these fills are.
 *
 * Cost of a 100 px border at 1080p in I420: about 1 770 runs, 1.4 MB set in place; no copy, no allocation.
 */
export function maskOf(fills: readonly Fill[]): Mask {
  const used = fills.filter(({ bounds }) => bounds.length > 0);
  const plain = used.filter(isOneValue).map(({ sample, bounds }) => ({ value: sample[0]!, bounds }));
  const patterned = used.filter(fill => !isOneValue(fill)).map(withLongest);
  return pixels => {
    for (const { value, bounds } of plain) {
      // Not Buffer's own, which checks its arguments in JavaScript.
      for (let i = 0; i < bounds.length; i += 2) fillBytes.call(pixels, value, bounds[i], bounds[i + 1]);
    }
    for (const fill of patterned) fillPattern(pixels, fill);
  };
}

const fillBytes = Uint8Array.prototype.fill;

function isOneValue({ sample }: Fill): boolean {
  return sample.every(value => value === sample[0]);
}

interface PatternFill extends Fill {
  /** Where its longest run stands in the bounds. */
  longest: number;
}

function withLongest(fill: Fill): PatternFill {
  const { bounds } = fill;
  let longest = 0;
  for (let i = 0; i < bounds.length; i += 2) {
    if (bounds[i + 1]! - bounds[i]! > bounds[longest + 1]! - bounds[longest]!) longest = i;
  }
  return { ...fill, longest };
}

/** Fills the longest run by copying what it has of the pattern already, and the others from it. */
function fillPattern(pixels: Uint8Array, { bounds, sample, longest }: PatternFill): void {
  const start = bounds[longest]!;
  const end = bounds[longest + 1]!;
  pixels.set(sample, start);
  for (let filled = sample.length; filled < end - start; filled *= 2) {
    pixels.copyWithin(start + filled, start, Math.min(start + filled, end - filled));
  }
  for (let i = 0; i < bounds.length; i += 2) {
    if (i !== longest) pixels.copyWithin(bounds[i]!, start, start + bounds[i + 1]! - bounds[i]!);
  }
}

/** Start and end of each run of covered bytes. The end of one line and the start of the next are one run. */
function byteRuns(spans: Spans, plane: Plane): Uint32Array {
  const { offset, columnStride, rowStride } = plane;
  const samples = plane.shift === 1 ? halved(spans) : spans;
  const byRows = columnStride <= rowStride;
  const lines = byRows ? samples : transposed(samples, plane.width);
  const lineStride = byRows ? rowStride : columnStride;
  const step = byRows ? columnStride : rowStride;
  const bounds: number[] = [];
  for (let line = 0; line < lines.length; line += 1) {
    const row = lines[line]!;
    const lineStart = offset + line * lineStride;
    for (let i = 0; i < row.length; i += 2) {
      const start = lineStart + row[i]! * step;
      const end = lineStart + row[i + 1]! * step;
      if (bounds.at(-1) === start) bounds[bounds.length - 1] = end;
      else bounds.push(start, end);
    }
  }
  return Uint32Array.from(bounds);
}
