const SECONDS = 60;

/** What was measured in one second; undefined where there was nothing to measure. */
export interface Second {
  fps: number | undefined;
  latencyMs: number | undefined;
}

/** Keeps the measurements of the last minute, the oldest first. */
export class Minute {
  readonly seconds: Second[] = [];
  #lastMs: number | undefined;

  /** Takes a measurement, at most once a second; seconds without one, as in a hidden window, stay empty. */
  add(second: Second, nowMs: number): void {
    const elapsed = Math.floor((nowMs - (this.#lastMs ?? nowMs - 1000)) / 1000);
    if (elapsed < 1) return;
    for (let i = 1; i < Math.min(elapsed, SECONDS); i++) this.seconds.push(EMPTY);
    this.seconds.push(second);
    this.seconds.splice(0, this.seconds.length - SECONDS);
    this.#lastMs = this.#lastMs === undefined ? nowMs : this.#lastMs + elapsed * 1000;
  }
}

const EMPTY: Second = { fps: undefined, latencyMs: undefined };
