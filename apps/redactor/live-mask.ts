import { type BigIntStats, readFileSync, statSync } from 'node:fs';
import { onAbort } from '../common/abort.ts';
import { asError } from '../common/errors.ts';
import { type MaskFile, readMask, SIDES } from './mask-file.ts';
import { type InForce, Redaction } from './redaction.ts';

export interface MaskEvents {
  /** Another mask is in force, or the same again after a fault; `before` is undefined for the first. */
  maskChanged(redaction: Redaction, before: Redaction | undefined): void;
  /** The file holds no mask, and has held none for long enough that it is not just being written. */
  maskFaulty(fault: string): void;
}

/** A file counts as written once it has been the same for this long. No file system's clock is that coarse. */
const SETTLE_MS = 250;
/** For the log and health while no frames come. */
const LOOK_MS = 1000;
const MAX_BYTES = 2 ** 20;
/** Masks that are in force together while one change follows another. */
const MAX_MASKS = 16;

/**
 * Follows the mask file. It is looked at before each frame, so that no frame passes under the old mask alone once the
 * file is replaced. It is looked at by path, so that a rename, a write in place and a swapped symbolic link are the same.
 * Cost a frame: one `stat`, about 2 µs.
 *
 * While the file changes, all that any of its masks covers is covered; while it holds no mask, nothing is published.
 * Nothing else changes what is in force.
 */
export class LiveMask {
  readonly #path: string;
  readonly #borderPx: number;
  readonly #events: MaskEvents;
  #stats: BigIntStats | undefined;
  /** What was read, or why it could not be. */
  #content = '';
  #changedMs = 0;
  #isSettled = false;
  /** The mask that the file holds, if it holds one. */
  #newest: MaskFile | undefined;
  /** All that is in force, newest last. */
  #masks: readonly MaskFile[] = [];
  #inForce: InForce = { ok: false, detail: '' };
  #reported: Redaction | undefined;
  #isFaultReported = false;

  constructor(path: string, borderPx: number, events: MaskEvents, signal: AbortSignal) {
    this.#path = path;
    this.#borderPx = borderPx;
    this.#events = events;
    this.now();
    const timer = setInterval(() => this.now(), LOOK_MS);
    onAbort(signal, () => clearInterval(timer));
  }

  now(nowMs = performance.now()): InForce {
    const stats = this.#stat();
    if (this.#isSettled && isSameFile(stats, this.#stats)) return this.#inForce;
    this.#stats = stats;
    const { text, fault } = this.#read(stats);
    const content = text ?? fault;
    if (content !== this.#content) {
      this.#content = content;
      this.#changedMs = nowMs;
      this.#isSettled = false;
      this.#newest = undefined;
      this.#inForce = text === undefined ? { ok: false, detail: fault } : this.#take(text);
    } else if (!this.#isSettled && nowMs - this.#changedMs >= SETTLE_MS) {
      this.#settle();
    }
    return this.#inForce;
  }

  #stat(): BigIntStats | undefined {
    try {
      return statSync(this.#path, { bigint: true });
    } catch {
      return undefined;
    }
  }

  #read(stats: BigIntStats | undefined): { text: string; fault?: never } | { text?: never; fault: string } {
    const name = `MASK_FILE ${this.#path}`;
    // Neither would be read to its end.
    if (stats && !stats.isFile()) return { fault: `${name} is not a file; set it to one` };
    if (stats && stats.size > MAX_BYTES) return { fault: `${name} is longer than 1 MiB; make it shorter` };
    try {
      return { text: readFileSync(this.#path, 'utf8') };
    } catch (thrown) {
      const { code, message } = asError(thrown);
      if (code === 'ENOENT') return { fault: `${name} is not there; put a mask there` };
      if (code === 'EACCES')
        return { fault: `${name} can't be read; let user ${process.getuid?.()} read it` };
      return { fault: `${name} can't be read: ${message}` };
    }
  }

  #take(text: string): InForce {
    const reading = readMask(text);
    const faults = reading.ok ? this.#nothingCovered(reading.mask) : reading.faults;
    this.#newest = reading.ok && faults.length === 0 ? reading.mask : undefined;
    if (!this.#newest) {
      const what = `MASK_FILE ${this.#path} is no mask`;
      const forViewers = `${what}; the log of the redactor says why`;
      return { ok: false, detail: `${what}: ${faults.join('; ')}`, forViewers };
    }
    this.#report(new Redaction(this.#borderPx, [this.#newest]));
    if (this.#masks.length >= MAX_MASKS) {
      return { ok: false, detail: `MASK_FILE ${this.#path} changes too often to follow; leave it as it is` };
    }
    this.#masks = [...this.#masks, this.#newest];
    return { ok: true, redaction: new Redaction(this.#borderPx, this.#masks) };
  }

  #nothingCovered({ mode, regions, border }: MaskFile): string[] {
    const covers = mode === 'keepOnly' || regions.length > 0 || SIDES.some(side => border[side] > 0);
    if (this.#borderPx > 0 || covers) return [];
    return ['it covers nothing, and neither does REDACT_WIDTH=0; give it a region or a border'];
  }

  #report(redaction: Redaction): void {
    if (redaction.digest !== this.#reported?.digest || this.#isFaultReported) {
      this.#events.maskChanged(redaction, this.#reported);
    }
    this.#reported = redaction;
    this.#isFaultReported = false;
  }

  #settle(): void {
    this.#isSettled = true;
    if (this.#newest) {
      this.#masks = [this.#newest];
      this.#inForce = { ok: true, redaction: new Redaction(this.#borderPx, this.#masks) };
    } else if (!this.#inForce.ok) {
      this.#isFaultReported = true;
      this.#events.maskFaulty(this.#inForce.detail);
    }
  }
}

function isSameFile(a: BigIntStats | undefined, b: BigIntStats | undefined): boolean {
  return (
    a?.mtimeNs === b?.mtimeNs &&
    a?.ctimeNs === b?.ctimeNs &&
    a?.size === b?.size &&
    a?.ino === b?.ino &&
    a?.dev === b?.dev
  );
}
