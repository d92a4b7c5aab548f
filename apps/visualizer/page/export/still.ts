import type { Drawn } from '../live/painter.ts';
import { stillName } from '../panel/format.ts';

/** Saves the JPEG of a drawn picture as it came, named by its time and frame. */
export function saveStill({ jpeg, publishedAt, seq }: Drawn): void {
  const anchor = document.createElement('a');
  anchor.href = URL.createObjectURL(jpeg);
  anchor.download = stillName(publishedAt, seq);
  anchor.click();
  // The download keeps the bytes from the click on.
  setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000);
}
