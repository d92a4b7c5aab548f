import { bandHeight, type Marking } from './bands.ts';
import { drawCaptioned } from './caption.ts';
import { encodeGif } from './gif.ts';
import { Palette } from './palette.ts';

/** What the page asks of the worker. */
export interface Order {
  /** Each picture once. */
  pictures: { jpeg: Blob; caption: string }[];
  /** One round: which picture, and for how long. */
  round: { index: number; holdMs: number }[];
  marking: Marking | undefined;
}

/** What the worker answers: how far it is, 0 to 1, and then the file. */
export type Progress = { done: number } | { file: Blob };

/** More pixels than this in all make a file that nobody can send. */
const MAX_PIXELS = 120e6;
const MAX_WIDTH = 1280;
const SAMPLES = 4;

/** Encodes the loop off the page's thread, which goes on to play meanwhile. */
addEventListener('message', async ({ data }: MessageEvent<Order>) => {
  const { pictures, round, marking } = data;
  const first = await createImageBitmap(pictures[0]!.jpeg);
  const fits = Math.sqrt(MAX_PIXELS / pictures.length / (first.width * first.height));
  const scale = Math.min(1, MAX_WIDTH / first.width, fits);
  const canvas = new OffscreenCanvas(Math.round(first.width * scale), Math.round(first.height * scale));
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  if (marking) canvas.height += 2 * bandHeight(context, marking);
  const draw = async ({ jpeg, caption }: Order['pictures'][number]) => {
    const bitmap = await createImageBitmap(jpeg);
    drawCaptioned(context, bitmap, caption, marking);
    bitmap.close();
    return context.getImageData(0, 0, canvas.width, canvas.height).data;
  };
  const samples: Uint8ClampedArray[] = [];
  const step = Math.max(1, Math.floor(pictures.length / SAMPLES));
  for (let i = 0; i < pictures.length; i += step) samples.push(await draw(pictures[i]!));
  const palette = new Palette(samples);
  const indexed: Uint8Array[] = [];
  for (const picture of pictures) {
    indexed.push(palette.apply(await draw(picture)));
    post({ done: indexed.length / pictures.length });
  }
  const frames = round.map(({ index, holdMs }) => ({ pixels: indexed[index]!, holdMs }));
  const parts = encodeGif(canvas.width, canvas.height, palette.colours, frames);
  post({ file: new Blob(parts, { type: 'image/gif' }) });
});

function post(progress: Progress): void {
  (globalThis as unknown as Worker).postMessage(progress);
}
