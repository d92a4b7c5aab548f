const WINDOW_S = 10;
/** A frame now and then is lost on any machine. */
const SHARE = 0.05;
const LEAST = 5;
/** A start loses some until everything is warm. */
const WARM_S = 5;

/** Knows whether more than one frame in twenty has been lost within the last ten seconds. */
export class LossWatch {
  /** By second, the newest last. */
  readonly #seconds: { lost: number; all: number }[] = [{ lost: 0, all: 0 }];
  #second = Number.NEGATIVE_INFINITY;
  #first: number | undefined;

  /**
   * Takes note of frames. Returns how many were lost of how many, in words, if that is too many; at most once a second.
   * Cost a frame: two additions.
   */
  noted(lost: number, kept: number, nowMs = performance.now()): string | undefined {
    const second = Math.floor(nowMs / 1000);
    const isNext = second !== this.#second;
    if (isNext) {
      const passed = Math.min(WINDOW_S, second - this.#second);
      for (let i = 0; i < passed; i += 1) this.#seconds.push({ lost: 0, all: 0 });
      this.#seconds.splice(0, this.#seconds.length - WINDOW_S);
      this.#second = second;
    }
    const now = this.#seconds.at(-1)!;
    now.lost += lost;
    now.all += lost + kept;
    this.#first ??= second;
    if (!isNext || second - this.#first < WARM_S) return undefined;
    const sum = this.#seconds.reduce((a, b) => ({ lost: a.lost + b.lost, all: a.all + b.all }));
    if (sum.lost < LEAST || sum.lost <= SHARE * sum.all) return undefined;
    return `${sum.lost} of ${sum.all} frames within ${WINDOW_S} s`;
  }
}
