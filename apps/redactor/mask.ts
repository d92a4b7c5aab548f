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
  const parts = used.map(fill => (isOneValue(fill.sample) ? plain(fill) : patterned(fill)));
  return pixels => {
    for (const part of parts) part(pixels);
  };
}

function isOneValue(sample: readonly number[]): boolean {
  return sample.every(value => value === sample[0]);
}

function plain({ bounds, sample }: Fill): Mask {
  const value = sample[0]!;
  return pixels => {
    for (let i = 0; i < bounds.length; i += 2) pixels.fill(value, bounds[i], bounds[i + 1]);
  };
}

/** Sets the longest run sample by sample, and copies the others from it. */
function patterned({ bounds, sample }: Fill): Mask {
  const lengthAt = (i: number) => bounds[i + 1]! - bounds[i]!;
  let longest = 0;
  for (let i = 0; i < bounds.length; i += 2) if (lengthAt(i) > lengthAt(longest)) longest = i;
  const [start, end] = [bounds[longest]!, bounds[longest + 1]!];
  return pixels => {
    for (let at = start; at < end; at += sample.length) pixels.set(sample, at);
    for (let i = 0; i < bounds.length; i += 2) {
      if (i !== longest) pixels.copyWithin(bounds[i]!, start, start + lengthAt(i));
    }
  };
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
