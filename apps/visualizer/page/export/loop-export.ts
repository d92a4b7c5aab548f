import { roundOf } from '../loop/sequence.ts';
import { fileName } from '../panel/format.ts';
import { markingNow } from '../panel/marking.ts';
import type { Session } from '../session.ts';
import { EXPORT_TEXT } from '../text.ts';
import type { Order, Progress } from './animation.ts';
import { save } from './still.ts';

/** Saves the loop as an animation, with its own direction, speed and dwell. One at a time. */
export class LoopExport {
  readonly #session: Session;
  readonly #report: (text: string) => void;
  #worker: Worker | undefined;

  constructor(session: Session, report: (text: string) => void) {
    this.#session = session;
    this.#report = report;
  }

  start(): void {
    const { loop, history, times } = this.#session;
    if (this.#worker || loop.playable.length === 0) return;
    const frames = [...loop.playable];
    const order: Order = {
      pictures: frames.map(frame => ({ jpeg: history.jpeg(frame.id)!, caption: times.full(frame) })),
      round: roundOf(frames.length, loop.settings),
      marking: markingNow(),
    };
    const worker = new Worker(new URL('export/animation.js', import.meta.url), { type: 'module' });
    this.#worker = worker;
    worker.addEventListener('message', ({ data }: MessageEvent<Progress>) => {
      if ('done' in data) {
        this.#report(EXPORT_TEXT.progress(data.done));
        return;
      }
      save(data.file, fileName(frames[0]!, 'gif'));
      this.#end(EXPORT_TEXT.saved);
    });
    worker.addEventListener('error', () => this.#end(EXPORT_TEXT.failed));
    this.#report(EXPORT_TEXT.progress(0));
    worker.postMessage(order);
  }

  #end(text: string): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#report(text);
  }
}
