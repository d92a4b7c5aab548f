import type { LoopChange, Status } from '../../messages.js';
import { addressOf } from './address.ts';
import { readEvents } from './event-reader.ts';
import { type Link, PATIENCE_MS } from './liveness.ts';
import { type Polled, poll } from './polling.ts';
import { type FrameData, type Kind, Share } from './share.ts';

/** A connection that brings nothing for this long is replaced; until then a slow one may recover. */
const GIVE_UP_MS = 5000;
const RETRY_MS = { first: 250, last: 4000, full: 2000 };
/** A network that held the stream back is given another chance this often. */
const POLL_FOR_MS = 60_000;
/** For a loop only status and history are wanted: a picture every 100 s is the fewest that can be asked for. */
const URLS = { live: 'stream', loop: 'stream?fps=0.01' };

export interface Listener {
  /** The data of a frame event, unparsed: a frame that is never drawn is never parsed. Or a still that was asked for. */
  frame(next: FrameData | Polled): void;
  status(status: Status): void;
  loop(change: LoopChange): void;
  link(link: Link): void;
}

/**
 * The page's connection to the server, its own or that of another window. Once opened it reconnects by itself until it is
 * closed. If the server answers but no event gets through, stills are asked for one by one.
 */
export class Stream {
  /** When this connection was requested, by `performance.now()`. */
  askedMs = 0;
  /** Whether the network holds event streams back. */
  polling = false;

  readonly #listener: Listener;
  readonly #share: Share;
  #live = true;
  #othersLive = false;
  #source: AbortController | undefined;
  #url = '';
  #polls: AbortController | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #heardAt = 0;
  /** Whether this connection has brought anything. */
  #heardAny = false;
  #failures = 0;
  #link: Link = 'closed';

  constructor(listener: Listener) {
    this.#listener = listener;
    this.#share = new Share({
      follow: () => {
        this.#disconnect();
        this.#began();
      },
      lead: () => {
        this.#disconnect();
        this.#connect();
      },
      received: (kind, data) => this.#take(kind, data),
      wanted: live => {
        this.#othersLive = live;
        if (this.#source && this.#url !== this.#wantedUrl) this.#reconnect();
      },
    });
  }

  /** @param live whether pictures are wanted, and not only status and history */
  open(live: boolean): void {
    if (this.#link !== 'closed') {
      if (live === this.#live) return;
      this.#live = live;
      this.#share.open(live);
      this.#set('connecting');
      if (this.#share.following) this.#began();
      else this.#reconnect();
      return;
    }
    this.#live = live;
    this.#set('connecting');
    this.#share.open(live);
    this.#connect();
  }

  close(): void {
    if (this.#link === 'closed') return;
    this.#disconnect();
    this.#share.close();
    this.#failures = 0;
    this.#othersLive = false;
    this.#set('closed');
  }

  get #wantedUrl(): string {
    return this.#live || this.#othersLive ? URLS.live : URLS.loop;
  }

  #reconnect(): void {
    this.#disconnect();
    this.#connect();
  }

  #began(): void {
    this.askedMs = performance.now();
    this.#heardAt = this.askedMs;
    this.#heardAny = false;
    clearTimeout(this.#watch);
    this.#watchFor(PATIENCE_MS);
  }

  #connect(): void {
    this.#url = this.#wantedUrl;
    const source = new AbortController();
    this.#source = source;
    this.#began();
    const taken = readEvents(this.#url, source.signal, (kind, data) => {
      if (kind === 'frame') this.#take(kind, data);
      // The server is about to end, and another takes over: the picture stays until that one brings a newer one.
      else if (kind === 'reconnect') this.#reconnect();
      else if (kind === 'status' || kind === 'loop') this.#take(kind, new TextDecoder().decode(data));
    });
    void taken.then(end => {
      if (this.#source !== source) return;
      this.#disconnect();
      if (end === 'refused') void this.#askWhy(source, true);
      else this.#failed('lost');
    });
  }

  #disconnect(): void {
    clearTimeout(this.#watch);
    clearTimeout(this.#retry);
    this.#polls?.abort();
    this.#polls = undefined;
    this.polling = false;
    this.#source?.abort();
    this.#source = undefined;
  }

  #take(kind: Kind | 'frame', data: string | FrameData): void {
    this.#share.relay(kind, data);
    if (kind === 'link') {
      this.#set(data as Link);
      return;
    }
    this.#heard();
    if (typeof data !== 'string') this.#listener.frame(data);
    else if (kind === 'status') this.#listener.status(JSON.parse(data));
    else this.#listener.loop(JSON.parse(data));
  }

  #heard(): void {
    this.#heardAt = performance.now();
    this.#heardAny = true;
    this.#failures = 0;
    this.#set('open');
  }

  /** Uses one timer that looks back at the last event, instead of a new timer for each of thirty a second. */
  #watchFor(ms: number): void {
    this.#watch = setTimeout(() => {
      const silentMs = performance.now() - this.#heardAt;
      if (silentMs >= PATIENCE_MS && this.#share.following) {
        this.#share.lead();
      } else if (silentMs >= GIVE_UP_MS) {
        this.#disconnect();
        this.#failed('silent');
      } else if (silentMs >= PATIENCE_MS) {
        this.#set('silent');
        if (!this.#heardAny && this.#source) void this.#askWhy(this.#source, false);
        this.#watchFor(GIVE_UP_MS - silentMs);
      } else {
        this.#watchFor(PATIENCE_MS - silentMs);
      }
    }, ms);
  }

  /**
   * Asks `/status` what the stream does not say: whether it was refused because every place is taken, or whether the
   * server answers and only its events are held back.
   */
  async #askWhy(source: AbortController, refused: boolean): Promise<void> {
    this.#source = source;
    let link: Link = 'lost';
    let status: Status | undefined;
    try {
      const answer = await fetch(addressOf('status'), { signal: AbortSignal.timeout(PATIENCE_MS) });
      if (answer.status === 401) {
        // The login has ended. At this address there is the login page now.
        location.reload();
        return;
      }
      status = (await answer.json()) as Status;
      if (status.viewers.now >= status.viewers.max) link = 'full';
    } catch {
      // Without a sensible answer the visualizer is lost.
    }
    if (this.#source !== source) return;
    if (refused) {
      if (status) this.#listener.status(status);
      this.#failed(link);
    } else if (status && !this.#heardAny) {
      this.#disconnect();
      void this.#poll();
    }
  }

  async #poll(): Promise<void> {
    const polls = new AbortController();
    this.#polls = polls;
    this.polling = true;
    this.askedMs = performance.now();
    const end = setTimeout(() => this.#reconnect(), POLL_FOR_MS);
    const onPicture = (polled: Polled) => {
      if (this.#live) this.#listener.frame(polled);
    };
    try {
      await poll(polls.signal, onPicture, status => {
        this.#heard();
        this.#listener.status(status);
      });
    } catch {
      if (!polls.signal.aborted) this.#failed('lost');
    }
    clearTimeout(end);
  }

  #failed(link: Link): void {
    this.polling = false;
    this.#set(link);
    const first = link === 'full' ? RETRY_MS.full : RETRY_MS.first;
    const backOffMs = Math.min(first * 2 ** this.#failures++, RETRY_MS.last);
    // Spread by a quarter either way, so that the viewers of a restarted server do not all reconnect at once.
    this.#retry = setTimeout(() => this.#connect(), backOffMs * (0.75 + Math.random() / 2));
  }

  #set(link: Link): void {
    if (link === this.#link) return;
    this.#link = link;
    if (!this.#share.following && link !== 'closed') this.#share.relay('link', link);
    this.#listener.link(link);
  }
}
