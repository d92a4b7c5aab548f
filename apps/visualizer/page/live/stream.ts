import type { LoopChange, Status } from '../../messages.js';
import { type Link, PATIENCE_MS } from './liveness.ts';

/** A connection that brings nothing for this long is replaced; until then a slow one may recover. */
const GIVE_UP_MS = 5000;
const RETRY_MS = { first: 250, last: 4000, full: 2000 };

export interface Listener {
  /** The data of a frame event, unparsed: a frame that is never drawn is never parsed. */
  frame(data: string): void;
  status(status: Status): void;
  loop(change: LoopChange): void;
  link(link: Link): void;
}

/**
 * The page's connection to the server. Once opened it reconnects by itself until it is closed. EventSource alone is not
 * enough: it never notices silence, and it ends for good when the server answers 503.
 */
export class Stream {
  /** When this connection was requested, by `performance.now()`. */
  askedMs = 0;

  #url = '';
  #listener: Listener;
  #source: EventSource | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #heardAt = 0;
  #failures = 0;
  #link: Link = 'closed';

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  open(url: string): void {
    if (this.#link !== 'closed') {
      if (url === this.#url) return;
      this.close();
    }
    this.#url = url;
    this.#set('connecting');
    this.#connect();
  }

  close(): void {
    this.#disconnect();
    clearTimeout(this.#retry);
    this.#failures = 0;
    this.#set('closed');
  }

  #connect(): void {
    const source = new EventSource(this.#url);
    this.#source = source;
    this.askedMs = performance.now();
    this.#heardAt = this.askedMs;
    this.#watchFor(PATIENCE_MS);
    source.addEventListener('frame', ({ data }) => {
      this.#heard();
      this.#listener.frame(data);
    });
    source.addEventListener('status', ({ data }) => {
      this.#heard();
      this.#listener.status(JSON.parse(data));
    });
    source.addEventListener('loop', ({ data }) => {
      this.#heard();
      this.#listener.loop(JSON.parse(data));
    });
    source.addEventListener('error', () => {
      const refused = source.readyState === EventSource.CLOSED;
      this.#disconnect();
      if (refused) void this.#askWhy(source);
      else this.#failed('lost');
    });
  }

  #disconnect(): void {
    clearTimeout(this.#watch);
    this.#source?.close();
    this.#source = undefined;
  }

  #heard(): void {
    this.#heardAt = performance.now();
    this.#failures = 0;
    this.#set('open');
  }

  /** Uses one timer that looks back at the last event, instead of a new timer for each of thirty a second. */
  #watchFor(ms: number): void {
    this.#watch = setTimeout(() => {
      const silentMs = performance.now() - this.#heardAt;
      if (silentMs >= GIVE_UP_MS) {
        this.#disconnect();
        this.#failed('silent');
      } else if (silentMs >= PATIENCE_MS) {
        this.#set('silent');
        this.#watchFor(GIVE_UP_MS - silentMs);
      } else {
        this.#watchFor(PATIENCE_MS - silentMs);
      }
    }, ms);
  }

  /** Asks `/status` whether every place is taken: an EventSource does not say why it was refused. */
  async #askWhy(source: EventSource): Promise<void> {
    this.#source = source;
    let link: Link = 'lost';
    let status: Status | undefined;
    try {
      const answer = await fetch('status', { signal: AbortSignal.timeout(PATIENCE_MS) });
      status = (await answer.json()) as Status;
      if (status.viewers.now >= status.viewers.max) link = 'full';
    } catch {
      // Without a sensible answer the visualizer is lost.
    }
    if (this.#source !== source) return;
    if (status) this.#listener.status(status);
    this.#failed(link);
  }

  #failed(link: Link): void {
    this.#set(link);
    const first = link === 'full' ? RETRY_MS.full : RETRY_MS.first;
    const backOffMs = Math.min(first * 2 ** this.#failures++, RETRY_MS.last);
    // Spread by a quarter either way, so that the viewers of a restarted server do not all reconnect at once.
    this.#retry = setTimeout(() => this.#connect(), backOffMs * (0.75 + Math.random() / 2));
  }

  #set(link: Link): void {
    if (link === this.#link) return;
    this.#link = link;
    this.#listener.link(link);
  }
}
