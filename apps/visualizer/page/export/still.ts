import { fileName } from '../panel/format.ts';
import type { Shown } from '../session.ts';
import { bandHeight, type Marking } from './bands.ts';
import { drawCaptioned } from './caption.ts';

/** Near the server's own, so that a marked still looks the same. */
const JPEG_QUALITY = 0.92;

/** Saves the JPEG of a picture, named by its time and frame: as the server made it, or with the bands of its marking. */
export async function saveJpeg(shown: Shown, marking: Marking | undefined): Promise<void> {
  if (marking) await saveDrawn(shown, '', marking, 'jpg');
  else save(shown.jpeg(), fileName(shown, 'jpg'));
}

/** Saves a picture as a PNG with its time in a corner. */
export async function savePng(shown: Shown, caption: string, marking: Marking | undefined): Promise<void> {
  await saveDrawn(shown, caption, marking, 'png');
}

async function saveDrawn(
  shown: Shown,
  caption: string,
  marking: Marking | undefined,
  extension: 'jpg' | 'png',
): Promise<void> {
  const bitmap = await createImageBitmap(shown.jpeg());
  const canvas = document.createElement('canvas');
  canvas.width = bitmap.width;
  const context = canvas.getContext('2d')!;
  canvas.height = bitmap.height + (marking ? 2 * bandHeight(context, marking) : 0);
  drawCaptioned(context, bitmap, caption, marking);
  bitmap.close();
  const type = extension === 'jpg' ? 'image/jpeg' : 'image/png';
  canvas.toBlob(file => file && save(file, fileName(shown, extension)), type, JPEG_QUALITY);
}

export function save(file: Blob, name: string): void {
  const anchor = document.createElement('a');
  anchor.href = URL.createObjectURL(file);
  anchor.download = name;
  anchor.click();
  // The download keeps the bytes from the click on.
  setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000);
}
