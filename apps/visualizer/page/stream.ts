import type { Status } from './messages.ts';
import { type Link, PATIENCE_MS } from './signal.ts';

/** A connection that brings nothing for this long is given up for a new one; a slow one may still come through. */
const GIVE_UP_MS = 5000;
const RETRY_MS = { first: 250, last: 4000, full: 2000 };

export interface Listener {
  /** A frame event's data, not parsed: most of a frame that is never drawn is work that is never done. */
  frame(data: string): void;
  status(status: Status): void;
  link(link: Link): void;
}

/**
 * The page's connection to the server. Once opened it stays so by itself, whatever the server does, until it is closed.
 * EventSource alone would not do: it never notices silence, and it ends for good when the server answers 503.
 */
export class Stream {
  /** When the present connection was asked for, by `performance.now()`. */
  askedMs = 0;

  #url: string;
  #listener: Listener;
  #source: EventSource | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #heardAt = 0;
  #failures = 0;
  #link: Link = 'closed';

  constructor(url: string, listener: Listener) {
    this.#url = url;
    this.#listener = listener;
  }

  open(): void {
    if (this.#link !== 'closed') return;
    this.#tell('connecting');
    this.#connect();
  }

  close(): void {
    this.#disconnect();
    clearTimeout(this.#retry);
    this.#failures = 0;
    this.#tell('closed');
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
    this.#tell('open');
  }

  /** One timer that looks back at the last event, rather than one set anew for each of thirty a second. */
  #watchFor(ms: number): void {
    this.#watch = setTimeout(() => {
      const silentMs = performance.now() - this.#heardAt;
      if (silentMs >= GIVE_UP_MS) {
        this.#disconnect();
        this.#failed('silent');
      } else if (silentMs >= PATIENCE_MS) {
        this.#tell('silent');
        this.#watchFor(GIVE_UP_MS - silentMs);
      } else {
        this.#watchFor(PATIENCE_MS - silentMs);
      }
    }, ms);
  }

  /** An EventSource does not say why it was turned away; `/status` knows whether every place is taken. */
  async #askWhy(source: EventSource): Promise<void> {
    this.#source = source;
    let link: Link = 'lost';
    let status: Status | undefined;
    try {
      const answer = await fetch('status', { signal: AbortSignal.timeout(PATIENCE_MS) });
      status = (await answer.json()) as Status;
      if (status.viewers.now >= status.viewers.max) link = 'full';
    } catch {
      // No answer, or none that makes sense: then the visualizer is lost.
    }
    if (this.#source !== source) return;
    if (status) this.#listener.status(status);
    this.#failed(link);
  }

  #failed(link: Link): void {
    this.#tell(link);
    const first = link === 'full' ? RETRY_MS.full : RETRY_MS.first;
    const backOffMs = Math.min(first * 2 ** this.#failures++, RETRY_MS.last);
    // Spread by a quarter either way, so that the viewers of a restarted server don't all come at once.
    this.#retry = setTimeout(() => this.#connect(), backOffMs * (0.75 + Math.random() / 2));
  }

  #tell(link: Link): void {
    if (link === this.#link) return;
    this.#link = link;
    this.#listener.link(link);
  }
}
