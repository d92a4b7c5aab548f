import { stillName } from '../panel/format.ts';
import type { Shown } from '../session.ts';

/** Saves the JPEG of a picture as the server made it, named by its time and frame. */
export function saveStill({ jpeg, validAt, publishedAt, seq }: Shown): void {
  save(jpeg, stillName(validAt ?? publishedAt, seq));
}

function save(file: Blob, name: string): void {
  const anchor = document.createElement('a');
  anchor.href = URL.createObjectURL(file);
  anchor.download = name;
  anchor.click();
  // The download keeps the bytes from the click on.
  setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000);
}
