import type { Status } from '../../messages.js';
import type { Marking } from '../export/bands.ts';
import { setText } from './dom.ts';

const banners = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('.marking')];

/** Returns the marking that the page shows, if any. */
export function markingNow(): Marking | undefined {
  const [banner] = banners();
  if (!banner || banner.hidden) return undefined;
  const { backgroundColor: ground, color: ink } = getComputedStyle(banner);
  return { text: banner.textContent, ground, ink };
}

/**
 * Keeps the banners as the server's marking is. They are in the page's HTML from the start; a server that was started again
 * may have another marking.
 */
export class MarkingDisplay {
  constructor() {
    const [first] = banners();
    if (!first) return;
    // Panels leave room for it.
    new ResizeObserver(() => {
      const height = first.hidden ? 0 : first.getBoundingClientRect().height;
      document.documentElement.style.setProperty('--marking', `${height}px`);
    }).observe(first);
  }

  /** A marking stays until the server says another. */
  show(status: Status | undefined): void {
    if (!status) return;
    const { marking } = status;
    if (marking) paint(marking.color);
    for (const banner of banners()) {
      setText(banner, marking?.text ?? '');
      banner.hidden = !marking;
    }
  }
}

/** The page's policy allows no style but that of the server. */
function paint(color: string): void {
  const href = `marking.css?${color.slice(1)}`;
  const known = document.querySelector<HTMLLinkElement>('link[href^="marking.css"]');
  if (known?.getAttribute('href') === href) return;
  const link = known ?? document.createElement('link');
  link.rel = 'stylesheet';
  link.href = href;
  if (!known) document.head.append(link);
}
