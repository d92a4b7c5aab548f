import type { CanvasRenderingContext2D } from 'canvas';
import { loadCanvas } from './canvas.ts';
import type { Marking } from './marking.ts';

/** A block of JPEG with half the chroma samples: a band of whole blocks shares none with the picture. */
const BLOCK = 16;

/** Returns the size of a marking's writing on a picture, in pixels. */
const fontSizeFor = (width: number): number => Math.max(10, Math.min(width / 50, 48));

/** Returns the height of the band that a marking takes, across a picture of this width. */
export function bandHeight(context: CanvasRenderingContext2D, marking: Marking, width: number): number {
  const { lines, lineHeight } = layOut(context, marking, width);
  return Math.ceil((lines.length * lineHeight + 0.4 * lineHeight) / BLOCK) * BLOCK;
}

/** Draws a marking's band from `top` on. */
export function drawBand(
  context: CanvasRenderingContext2D,
  marking: Marking,
  { top, width, height }: { top: number; width: number; height: number },
): void {
  const { lines, lineHeight } = layOut(context, marking, width);
  context.fillStyle = marking.color;
  context.fillRect(0, top, width, height);
  context.fillStyle = marking.ink;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  const first = top + height / 2 - ((lines.length - 1) / 2) * lineHeight;
  for (const [at, line] of lines.entries()) {
    context.fillText(line, width / 2, first + at * lineHeight, width);
  }
}

/** Returns the pixels of a band, RGBA, rows packed. */
export function bandPixels(marking: Marking, width: number): { rgba: Uint8ClampedArray; height: number } {
  const { createCanvas } = loadCanvas();
  const height = bandHeight(createCanvas(1, 1).getContext('2d'), marking, width);
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  drawBand(context, marking, { top: 0, width, height });
  return { rgba: context.getImageData(0, 0, width, height).data, height };
}

function layOut(context: CanvasRenderingContext2D, { text }: Marking, width: number) {
  const fontSize = fontSizeFor(width);
  context.font = `bold ${fontSize}px sans-serif`;
  return { lines: wrap(context, text, width - fontSize), lineHeight: 1.25 * fontSize };
}

/** Breaks a text between words into lines of at most `maxWidth`; a longer word gets a line of its own. */
export function wrap(context: CanvasRenderingContext2D, text: string, maxWidth: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = lines.length > 0 ? `${lines.at(-1)} ${word}` : word;
    if (lines.length > 0 && context.measureText(longer).width <= maxWidth) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
