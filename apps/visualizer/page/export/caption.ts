import { bandHeight, drawBands, type Marking } from './bands.ts';

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/**
 * Draws a picture over the whole canvas, or between the bands of its marking, with its caption, if it has one, in the lower
 * left corner.
 */
export function drawCaptioned(
  context: Context,
  picture: ImageBitmap,
  caption: string,
  marking: Marking | undefined,
): void {
  const { width } = context.canvas;
  const band = marking ? bandHeight(context, marking) : 0;
  const height = context.canvas.height - 2 * band;
  context.drawImage(picture, 0, band, width, height);
  if (marking) drawBands(context, marking, band);
  if (!caption) return;
  context.textAlign = 'left';
  const size = Math.max(12, Math.round(height / 36));
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textBaseline = 'middle';
  const pad = Math.round(size * 0.6);
  const top = band + height - size - 2 * pad;
  context.fillStyle = '#0b0e12';
  context.fillRect(0, top, context.measureText(caption).width + 2 * pad, size + 2 * pad);
  context.fillStyle = '#fff';
  context.fillText(caption, pad, top + pad + size / 2);
}
