import { GLYPH_HEIGHT, GLYPH_WIDTH, isInked } from './font.ts';
import { type Row, type Spans, toRow } from './spans.ts';

/** A rectangle of whole pixels. */
interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Squares from one character to the next, and from the text to the region's edge. */
const ADVANCE = GLYPH_WIDTH + 1;
const PADDING = 1;
/** No square is larger than this part of the picture's height. */
const SMALLEST_PART = 1 / 160;

/**
 * Returns the pixels of a text in the middle of a region, as large as fits, or nothing where it would not lie wholly in
 * the region.
 */
export function labelPixels(text: string, region: Spans): Spans | undefined {
  const places = middles(region);
  const largest = Math.max(1, Math.floor(region.length * SMALLEST_PART));
  for (let square = largest; square >= 1; square -= 1) {
    const width = square * (ADVANCE * text.length - 1 + 2 * PADDING);
    const height = square * (GLYPH_HEIGHT + 2 * PADDING);
    for (const [x, y] of places) {
      const box = { left: Math.round(x - width / 2), top: Math.round(y - height / 2), width, height };
      const inset = square * PADDING;
      if (holds(region, box))
        return textPixels(text, box.left + inset, box.top + inset, square, region.length);
    }
  }
  return undefined;
}

/** The middle of what the region spans, and of its widest run: the first may lie outside a bent shape. */
function middles(region: Spans): [x: number, y: number][] {
  const rows = region.flatMap((row, y) => (row.length > 0 ? [{ row, y }] : []));
  const [first, last] = [rows[0], rows.at(-1)];
  if (!first || !last) return [];
  const left = Math.min(...rows.map(({ row }) => row[0]!));
  const right = Math.max(...rows.map(({ row }) => row.at(-1)!));
  let widest = { from: 0, to: 0, y: 0 };
  for (const { row, y } of rows) {
    for (let i = 0; i < row.length; i += 2) {
      if (row[i + 1]! - row[i]! > widest.to - widest.from) widest = { from: row[i]!, to: row[i + 1]!, y };
    }
  }
  return [
    [(left + right) / 2, (first.y + last.y + 1) / 2],
    [(widest.from + widest.to) / 2, widest.y + 0.5],
  ];
}

function holds(region: Spans, { left, top, width, height }: Box): boolean {
  if (top < 0 || top + height > region.length) return false;
  return region.slice(top, top + height).every(row => {
    for (let i = 0; i < row.length; i += 2) {
      if (row[i]! <= left && row[i + 1]! >= left + width) return true;
    }
    return false;
  });
}

/** Returns the pixels of a text from a place on, each square of the font being this many pixels. */
export function textPixels(text: string, left: number, top: number, square: number, height: number): Spans {
  const rows: Row[] = Array.from({ length: height }, () => []);
  for (let line = 0; line < GLYPH_HEIGHT; line += 1) {
    const runs: [number, number][] = [];
    for (const [index, character] of [...text].entries()) {
      for (let x = 0; x < GLYPH_WIDTH; x += 1) {
        if (!isInked(character, x, line)) continue;
        const start = left + square * (ADVANCE * index + x);
        runs.push([start, start + square]);
      }
    }
    const row = toRow(runs);
    for (let y = 0; y < square; y += 1) {
      const at = top + square * line + y;
      if (at >= 0 && at < height) rows[at] = row;
    }
  }
  return rows;
}
