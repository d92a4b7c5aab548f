import type { View } from '../session.ts';
import { byId } from './dom.ts';

const IDLE_MS = 3000;

export interface Actions {
  pause(): void;
  save(): void;
}

/** Connects buttons and keys to actions. */
export class Controls {
  #pause = byId<HTMLButtonElement>('pause');
  #save = byId<HTMLButtonElement>('save');

  constructor(actions: Actions) {
    const fullScreen = byId<HTMLButtonElement>('full-screen');
    const details = byId('details');
    fullScreen.hidden = !document.fullscreenEnabled;

    this.#pause.addEventListener('click', actions.pause);
    this.#save.addEventListener('click', actions.save);
    fullScreen.addEventListener('click', toggleFullScreen);
    byId('picture').addEventListener('dblclick', toggleFullScreen);
    // A click leaves the focus where it was, so that the space bar still means pause.
    byId('controls').addEventListener('mousedown', event => event.preventDefault());

    const keys: Record<string, () => void> = {
      ' ': actions.pause,
      f: toggleFullScreen,
      s: actions.save,
      '?': () => details.togglePopover(),
      i: () => details.togglePopover(),
    };
    document.addEventListener('keydown', event => {
      const { key, target, repeat, ctrlKey, metaKey, altKey } = event;
      if (repeat || ctrlKey || metaKey || altKey) return;
      if (key === ' ' && target instanceof Element && target.closest('button, a')) return;
      const action = keys[key.length === 1 ? key.toLowerCase() : key];
      if (!action) return;
      event.preventDefault();
      action();
    });
    hideBarWhenIdle();
  }

  show({ paused, shown }: View): void {
    const label = paused ? 'Resume' : 'Pause';
    if (this.#pause.ariaLabel !== label) {
      this.#pause.ariaLabel = label;
      document.documentElement.classList.toggle('paused', paused);
    }
    // Not `disabled`, which would take the focus away from the button.
    const disabled = String(!shown);
    if (this.#save.ariaDisabled !== disabled) {
      this.#save.ariaDisabled = disabled;
      this.#pause.ariaDisabled = disabled;
    }
  }
}

function toggleFullScreen(): void {
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
