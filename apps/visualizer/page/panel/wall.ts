import type { Status } from '../../messages.js';

/** Wall mode: the picture alone, the screen kept awake, and the newest page after an upgrade of the server. */
export class Wall {
  readonly #root = document.documentElement;
  #version: string | undefined;
  #lock: WakeLockSentinel | undefined;

  constructor() {
    // Browsers take the lock away while the page is hidden.
    document.addEventListener('visibilitychange', () => void this.#stayAwake());
    document.addEventListener('fullscreenchange', () => {
      if (!document.fullscreenElement) this.set(false);
    });
  }

  get on(): boolean {
    return this.#root.classList.contains('wall');
  }

  set(on: boolean): void {
    if (on === this.on) return;
    this.#root.classList.toggle('wall', on);
    // A page opened by a link may not ask for full screen; the wall's browser is then in kiosk mode anyway.
    if (on) this.#root.requestFullscreen?.({ navigationUI: 'hide' }).catch(() => {});
    else if (document.fullscreenElement) void document.exitFullscreen();
    void this.#stayAwake();
  }

  /** Loads the page again when the server has another version: a wall has nobody to do it. */
  check(status: Status | undefined): void {
    if (!status) return;
    this.#version ??= status.version;
    if (!this.on || status.version === this.#version) return;
    // The address has the new page begin as a wall.
    const facts = new URLSearchParams(location.hash.slice(1));
    facts.set('wall', 'true');
    history.replaceState(null, '', `#${facts}`);
    location.reload();
  }

  async #stayAwake(): Promise<void> {
    if (!this.on) {
      await this.#lock?.release();
      this.#lock = undefined;
    } else if (!document.hidden) {
      // Only over a secure connection; without, the machine's own settings decide.
      this.#lock = await navigator.wakeLock?.request('screen').catch(() => undefined);
    }
  }
}
