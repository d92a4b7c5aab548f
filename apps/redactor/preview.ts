import { borderSpans, evenBorder } from './border.ts';
import { coverOf } from './cover.ts';
import { type Colour, colourOf, contrasting } from './fill.ts';
import { labelPixels, textPixels } from './label.ts';
import type { MaskFile } from './mask-file.ts';
import { encodePng } from './png.ts';
import { type Spans, union } from './spans.ts';

const GROUND: Colour = { red: 128, green: 128, blue: 128 };
const LINE: Colour = { red: 160, green: 160, blue: 160 };
const MAIN_LINE: Colour = { red: 208, green: 208, blue: 208 };
const LINE_PX = 100;
const MAIN_LINE_PX = 500;

/** Colours that tell neighbouring regions apart, for people who see no red and green too. */
const TINTS = ['#e69f00', '#56b4e9', '#009e73', '#f0e442', '#0072b2', '#d55e00', '#cc79a7'].map(colourOf);

/** Rows of red, green and blue. */
class Sheet {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.rgb = new Uint8Array(3 * width * height);
  }

  /** Colours pixels; of an `opacity` below 1 what is there shines through. */
  paint(spans: Spans, { red, green, blue }: Colour, opacity = 1): void {
    for (const [y, row] of spans.entries()) {
      for (let i = 0; i < row.length; i += 2) {
        const [from, to] = [Math.max(0, row[i]!), Math.min(this.width, row[i + 1]!)];
        for (let x = from; x < to; x += 1) {
          const at = 3 * (y * this.width + x);
          for (const [channel, value] of [red, green, blue].entries())
            this.rgb[at + channel] = opacity * value + (1 - opacity) * this.rgb[at + channel]!;
        }
      }
    }
  }
}

/**
 * Returns a PNG that shows what is covered of a picture of this size, over a grid with a line every 100 pixels: the
 * border and the mask in the colour of the fill, each region tinted and with its name, and the labels.
 */
export function drawPreview(borderPx: number, mask: MaskFile, width: number, height: number): Buffer {
  const sheet = new Sheet(width, height);
  drawGrid(sheet);
  const cover = coverOf(mask, width, height);
  const fill = colourOf(mask.fill);
  sheet.paint(union([borderSpans(width, height, evenBorder(borderPx)), cover.pixels]), fill);
  for (const [i, spans] of cover.regions.entries()) sheet.paint(spans, TINTS[i % TINTS.length]!, 0.4);
  for (const [i, { label }] of mask.regions.entries()) {
    const spans = label === undefined ? undefined : labelPixels(label, cover.regions[i]!);
    if (spans) sheet.paint(spans, contrasting(fill));
  }
  for (const [i, { name }] of mask.regions.entries()) drawName(sheet, name, cover.regions[i]!);
  return encodePng(width, height, sheet.rgb);
}

function drawGrid(sheet: Sheet): void {
  const { width, height } = sheet;
  sheet.paint(new Array(height).fill([0, width]), GROUND);
  for (const [distance, colour] of [
    [LINE_PX, LINE],
    [MAIN_LINE_PX, MAIN_LINE],
  ] as const) {
    const columns: number[] = [];
    for (let x = 0; x < width; x += distance) columns.push(x, x + 1);
    sheet.paint(
      Array.from({ length: height }, (_, y) => (y % distance === 0 ? [0, width] : columns)),
      colour,
    );
  }
}

/** In the upper left corner of what the region spans, white with a shadow, so that it shows on any colour. */
function drawName(sheet: Sheet, name: string, region: Spans): void {
  const top = region.findIndex(row => row.length > 0);
  if (top < 0) return;
  const left = Math.min(...region.flatMap(row => row.slice(0, 1)));
  const square = Math.max(1, Math.floor(sheet.height / 360));
  for (const [offset, level] of [
    [square, 0],
    [0, 255],
  ] as const) {
    const at = 2 * square + offset;
    const spans = textPixels(name, left + at, top + at, square, sheet.height);
    sheet.paint(spans, { red: level, green: level, blue: level });
  }
}
