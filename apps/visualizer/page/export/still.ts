import { fileName } from '../panel/format.ts';
import type { Shown } from '../session.ts';
import { drawCaptioned } from './caption.ts';

/** Saves the JPEG of a picture as the server made it, named by its time and frame. */
export function saveJpeg(shown: Shown): void {
  save(shown.jpeg, fileName(shown, 'jpg'));
}

/** Saves a picture as a PNG with its time in a corner. */
export async function savePng(shown: Shown, caption: string): Promise<void> {
  const bitmap = await createImageBitmap(shown.jpeg);
  const canvas = document.createElement('canvas');
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  drawCaptioned(canvas.getContext('2d')!, bitmap, caption);
  bitmap.close();
  canvas.toBlob(png => png && save(png, fileName(shown, 'png')));
}

export function save(file: Blob, name: string): void {
  const anchor = document.createElement('a');
  anchor.href = URL.createObjectURL(file);
  anchor.download = name;
  anchor.click();
  // The download keeps the bytes from the click on.
  setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000);
}
