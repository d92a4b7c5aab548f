type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** What is written above and below every picture that leaves the page as a file. */
export interface Marking {
  text: string;
  /** Colours as CSS has them: behind the text, and of it. */
  ground: string;
  ink: string;
}

const ROOM = 1.3;

/** Returns the height of each band on a canvas of this width. */
export function bandHeight(context: Context, marking: Marking): number {
  const { lines, size } = layOut(context, marking);
  return 2 * Math.ceil(((lines.length + 0.4) * size * ROOM) / 2);
}

/** Draws the marking into the top and the bottom of the canvas. */
export function drawBands(context: Context, marking: Marking, height: number): void {
  const { canvas } = context;
  const { lines, size } = layOut(context, marking);
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  for (const top of [0, canvas.height - height]) {
    context.fillStyle = marking.ground;
    context.fillRect(0, top, canvas.width, height);
    context.fillStyle = marking.ink;
    const first = top + height / 2 - ((lines.length - 1) / 2) * size * ROOM;
    for (const [at, line] of lines.entries())
      context.fillText(line, canvas.width / 2, first + at * size * ROOM, canvas.width);
  }
}

/** Breaks the text between words; a word that is too long alone is drawn narrower. */
function layOut(context: Context, { text }: Marking): { lines: string[]; size: number } {
  const { width } = context.canvas;
  const size = Math.max(10, Math.min(width / 50, 48));
  context.font = `700 ${size}px system-ui, sans-serif`;
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = lines.length > 0 ? `${lines.at(-1)} ${word}` : word;
    if (lines.length > 0 && context.measureText(longer).width <= width - size)
      lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return { lines, size };
}
