import { auditLog } from '../common/audit.ts';
import type { Logger } from '../common/log.ts';
import type { PixelLayout } from '../common/pixels.ts';
import { ThrottledLog } from '../common/throttled-log.ts';
import { hexDigest } from './digest.ts';
import type { MaskEvents } from './live-mask.ts';
import type { Redaction } from './redaction.ts';
import type { RedactorEvents, Withheld } from './redactor.ts';

/** A peer that sends another size with every frame must not fill the disk. */
const MAX_LAYOUTS = 20;
const LAYOUTS_MS = 60_000;

/** Writes down what changes, and why frames are withheld. No entry says anything about what is covered. */
export class Journal implements MaskEvents, Omit<RedactorEvents, 'published' | 'covers'> {
  readonly #masks: Logger;
  readonly #sources: Logger;
  readonly #throttled: ThrottledLog;
  readonly #playback: string;
  #layouts = 0;
  #mostLayouts = MAX_LAYOUTS;
  #layoutsFromMs = Number.NEGATIVE_INFINITY;

  constructor(log: Logger, playback: string) {
    this.#masks = auditLog(log, 'mask');
    this.#sources = auditLog(log, 'source');
    this.#throttled = new ThrottledLog(log);
    this.#playback = playback;
  }

  maskChanged(redaction: Redaction, before: Redaction | undefined): void {
    const { borderPx, digest, masks } = redaction;
    const regions = masks.reduce((count, mask) => count + mask.regions.length, 0);
    const facts = {
      mask: hexDigest(digest),
      before: before ? hexDigest(before.digest) : null,
      redactWidthPx: borderPx,
      mode: masks.at(-1)?.mode ?? null,
      regions,
    };
    const instead = facts.before ? `, instead of ${facts.before}` : '';
    this.#masks.info(
      facts,
      `mask ${facts.mask} is in force${instead}: ${borderPx} px of border, ${regions} regions`,
    );
  }

  maskFaulty(fault: string): void {
    this.#masks.error(`nothing is published: ${fault}`);
  }

  layoutChanged(layout: PixelLayout, before: PixelLayout | undefined, nowMs = performance.now()): void {
    if (nowMs - this.#layoutsFromMs >= LAYOUTS_MS) {
      // One that goes on doing so is known by then.
      this.#mostLayouts = this.#layouts > this.#mostLayouts ? 1 : MAX_LAYOUTS;
      this.#layoutsFromMs = nowMs;
      this.#layouts = 0;
    }
    this.#layouts += 1;
    if (this.#layouts > this.#mostLayouts) return;
    const more =
      this.#layouts === this.#mostLayouts ? '; more changes within this minute are not written down' : '';
    const { width, height, format } = layout;
    this.#sources.info(
      {
        width,
        height,
        format,
        before: before ? { width: before.width, height: before.height, format: before.format } : null,
      },
      `pictures are ${width}×${height} in ${format}${more}`,
    );
  }

  withheld({ reason, detail }: Withheld): void {
    const what = reason === 'withheld' ? 'there is no frame' : `refused a message: ${reason}`;
    this.#throttled.warn(reason, `${this.#playback}: ${what} (${detail})`);
  }

  lost(facts: string): void {
    const why = `the link from ${this.#playback} is slow, or the redactor is short of CPU`;
    this.#throttled.warn('lost-upstream', `${facts} were lost before they came here: ${why}`);
  }

  refusedSubscriber(why: string): void {
    this.#throttled.warn('refused-subscriber', why);
  }

  /** A peer that sends another size with every frame has each of them fitted anew. */
  warned(warning: string): void {
    this.#throttled.warn('mask', warning);
  }
}
