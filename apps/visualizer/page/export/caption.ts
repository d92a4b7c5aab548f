type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** Draws a picture over the whole canvas, with its caption in the lower left corner. */
export function drawCaptioned(context: Context, picture: ImageBitmap, caption: string): void {
  const { width, height } = context.canvas;
  context.drawImage(picture, 0, 0, width, height);
  const size = Math.max(12, Math.round(height / 36));
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textBaseline = 'middle';
  const pad = Math.round(size * 0.6);
  const top = height - size - 2 * pad;
  context.fillStyle = '#0b0e12';
  context.fillRect(0, top, context.measureText(caption).width + 2 * pad, size + 2 * pad);
  context.fillStyle = '#fff';
  context.fillText(caption, pad, top + pad + size / 2);
}
