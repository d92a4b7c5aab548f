import type { Session } from '../session.ts';
import { PLAY_TEXT } from '../text.ts';
import { byId } from './dom.ts';

const IDLE_MS = 3000;

/** Keeps the buttons of the bar in line with what they would do. */
export class Controls {
  #pause = byId<HTMLButtonElement>('pause');
  #save = byId<HTMLButtonElement>('save');

  constructor() {
    byId('full-screen').hidden = !document.fullscreenEnabled;
    byId('frame').addEventListener('dblclick', toggleFullScreen);
    // A click leaves the focus where it was, so that the space bar still means pause.
    byId('dock').addEventListener('mousedown', event => {
      if (event.target instanceof Element && event.target.closest('button')) event.preventDefault();
    });
    hideBarWhenIdle();
  }

  show({ watch, loop, shown }: Session): void {
    const still = loop.active ? !loop.playing : watch.held === 'paused';
    const label = still ? (loop.active ? PLAY_TEXT.play : PLAY_TEXT.resume) : PLAY_TEXT.pause;
    if (this.#pause.ariaLabel !== label) {
      this.#pause.ariaLabel = label;
      document.documentElement.classList.toggle('paused', still);
    }
    // Not `disabled`, which would take the focus away from the button.
    const disabled = String(!shown);
    if (this.#save.ariaDisabled !== disabled) {
      this.#save.ariaDisabled = disabled;
      this.#pause.ariaDisabled = disabled;
    }
  }
}

export function toggleFullScreen(): void {
  if (!document.fullscreenEnabled) return;
  const change = document.fullscreenElement
    ? document.exitFullscreen()
    : document.documentElement.requestFullscreen({ navigationUI: 'hide' });
  // The browser may refuse; the page then stays as it is.
  change.catch(() => {});
}

/** Hides the bar in full screen, where it covers the picture, when nobody moves. */
function hideBarWhenIdle(): void {
  const root = document.documentElement;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wake = () => {
    root.classList.remove('idle');
    clearTimeout(timer);
    if (document.fullscreenElement) timer = setTimeout(() => root.classList.add('idle'), IDLE_MS);
  };
  for (const event of ['pointermove', 'pointerdown', 'keydown', 'focusin', 'fullscreenchange']) {
    document.addEventListener(event, wake, { passive: true });
  }
}
