import type { WireFormat } from '../common/pixels.ts';
import { type Clip, readClip, type Wishes } from './clip.ts';
import { type DecodedFrame, type Decoding, decode, type Outcome } from './decode.ts';
import type { WebpAnimation } from './webp-animation.ts';
import { WebpCanvas } from './webp-canvas.ts';

/** Returns what decoding needs of an animation's canvas. */
export function clipOf(path: string, { width, height, frames }: WebpAnimation, wishes: Wishes): Clip {
  const stream = { index: 0, codec_name: 'bmp', width, height, pix_fmt: 'bgr24' };
  const clip = readClip(path, stream, {}, {}, wishes);
  const durations = frames.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
  const endUs = 1000 * durations.reduce((sum, ms) => sum + ms, 0);
  return { ...clip, intervalUs: 1000 * durations[durations.length >> 1]!, durationUs: endUs, endUs };
}

/**
 * One round over an animated WebP. One ffmpeg decodes its pictures one by one, we put them on its canvas, and a second
 * ffmpeg converts that as it does with any picture.
 */
export class WebpDecoding implements Decoding {
  outcome: Outcome | undefined;
  readonly #animation: WebpAnimation;
  readonly #clip: Clip;
  readonly #signal: AbortSignal;
  readonly #damaged: (line: string) => void;
  readonly #converted: Decoding;
  #pictures: Decoding | undefined;
  /** Why none of its pictures decodes. */
  #fault: unknown;

  /** @param clip the canvas, from `clipOf` */
  constructor(
    animation: WebpAnimation,
    clip: Clip,
    format: WireFormat,
    signal: AbortSignal,
    { fps, damaged }: { fps?: number | undefined; damaged(line: string): void },
  ) {
    this.#animation = animation;
    this.#clip = clip;
    this.#signal = signal;
    this.#damaged = damaged;
    const images = { codec: 'bmp', bytes: this.#composed() } as const;
    this.#converted = decode(clip, format, signal, { fps, images, damaged });
  }

  readonly stop = (): void => {
    this.#converted.stop();
    this.#pictures?.stop();
  };

  async *[Symbol.asyncIterator](): AsyncGenerator<DecodedFrame> {
    const starts = this.#starts();
    try {
      for await (const { message, positionUs } of this.#converted) {
        yield { message, positionUs: starts[Math.round(positionUs / 1e6)] ?? 0 };
      }
      if (this.#fault !== undefined) throw this.#fault;
      this.outcome = this.#converted.outcome;
    } catch (thrown) {
      // What the second ffmpeg says is then only a consequence.
      throw this.#fault ?? thrown;
    } finally {
      this.stop();
    }
  }

  /** Returns when each frame's time begins, in microseconds. */
  #starts(): number[] {
    let atUs = 0;
    return this.#animation.frames.map(({ durationMs }) => {
      atUs += 1000 * durationMs;
      return atUs - 1000 * durationMs;
    });
  }

  async *#composed(): AsyncGenerator<Uint8Array> {
    const { frames } = this.#animation;
    const canvas = new WebpCanvas(this.#animation);
    const images = { codec: 'webp', bytes: files(frames) } as const;
    this.#pictures = decode(this.#clip, 'bgra', this.#signal, { images, damaged: this.#damaged });
    let next = 0;
    try {
      for await (const { message, positionUs } of this.#pictures) {
        const number = Math.round(positionUs / 1e6);
        for (; next < number; next += 1) yield canvas.draw(frames[next]!, undefined);
        yield canvas.draw(frames[next]!, message);
        next += 1;
      }
    } catch (thrown) {
      this.#fault = thrown;
      throw thrown;
    }
    for (; next < frames.length; next += 1) yield canvas.draw(frames[next]!, undefined);
  }
}

async function* files(frames: WebpAnimation['frames']): AsyncGenerator<Uint8Array> {
  for (const { file } of frames) yield file;
}
