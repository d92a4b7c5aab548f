/** What one window says to the others. */
type Message =
  | { type: 'ask'; id: string; live: boolean }
  | { type: 'lead'; id: string }
  | { type: 'end'; id: string }
  | { type: 'ready'; id: string }
  | { type: 'event'; kind: Kind; data: string };

export type Kind = 'status' | 'loop' | 'link';

/** The data of a frame event, as bytes and unparsed: a frame that is never drawn is never parsed. */
export type FrameData = Uint8Array<ArrayBuffer>;

export interface ShareEvents {
  /** Another window has the stream. */
  follow(): void;
  /** No other window has it any more. */
  lead(): void;
  received(kind: Kind | 'frame', data: string | FrameData): void;
  /** Whether any of the windows that follow wants the live picture. */
  wanted(live: boolean): void;
}

const NAME = `noaa-pod ${location.pathname}`;

/**
 * Shares one stream among the windows of a browser, which has six connections to a host. The window that is open longest
 * has the stream and relays it. A frame goes to a window only when that window has taken the one before.
 */
export class Share {
  readonly #events: ShareEvents;
  /** The older a window, the smaller its id. */
  readonly #id = `${Math.round(performance.timeOrigin)}-${Math.random()}`;
  readonly #followers = new Map<string, { frames: BroadcastChannel; live: boolean; ready: boolean }>();
  #channel: BroadcastChannel | undefined;
  #frames: BroadcastChannel | undefined;
  #leader: string | undefined;
  #live = false;

  constructor(events: ShareEvents) {
    this.#events = events;
  }

  get following(): boolean {
    return this.#leader !== undefined;
  }

  /** Joins the other windows; the caller connects, and gives it up when one of them says that it leads. */
  open(live: boolean): void {
    this.#live = live;
    if (!this.#channel) {
      this.#channel = new BroadcastChannel(NAME);
      this.#channel.addEventListener('message', ({ data }: MessageEvent<Message>) => this.#hear(data));
      this.#frames = new BroadcastChannel(`${NAME} ${this.#id}`);
      this.#frames.addEventListener('message', ({ data }: MessageEvent<FrameData>) => {
        this.#events.received('frame', data);
        this.#ready();
      });
    }
    this.#say({ type: 'ask', id: this.#id, live });
    if (this.following) this.#ready();
  }

  close(): void {
    this.#say({ type: 'end', id: this.#id });
    this.#channel?.close();
    this.#frames?.close();
    this.#channel = undefined;
    this.#leader = undefined;
    for (const { frames } of this.#followers.values()) frames.close();
    this.#followers.clear();
  }

  /** Takes the lead, since the window that had it is silent. */
  lead(): void {
    this.#leader = undefined;
    this.#say({ type: 'lead', id: this.#id });
    this.#events.lead();
  }

  /** Hands an event of the stream on to the windows that follow. */
  relay(kind: Kind | 'frame', data: string | FrameData): void {
    if (this.#followers.size === 0) return;
    if (kind !== 'frame') {
      this.#say({ type: 'event', kind, data: data as string });
      return;
    }
    for (const follower of this.#followers.values()) {
      if (!follower.ready) continue;
      follower.ready = false;
      follower.frames.postMessage(data);
    }
  }

  #hear(message: Message): void {
    if (message.type === 'event') {
      if (this.following) this.#events.received(message.kind, message.data);
      return;
    }
    const { type, id } = message;
    if (type === 'lead') {
      if (this.#leader !== undefined || id < this.#id) this.#follow(id);
      else this.#say({ type: 'lead', id: this.#id });
    } else if (type === 'end') {
      this.#drop(id);
      if (id === this.#leader) this.lead();
    } else if (!this.following) {
      if (id < this.#id) {
        this.#follow(id);
        return;
      }
      const follower = this.#followers.get(id) ?? this.#admit(id);
      if (type === 'ask') {
        follower.live = message.live;
        this.#report();
      } else {
        follower.ready = true;
      }
    }
  }

  #admit(id: string) {
    const follower = { frames: new BroadcastChannel(`${NAME} ${id}`), live: false, ready: false };
    this.#followers.set(id, follower);
    this.#say({ type: 'lead', id: this.#id });
    return follower;
  }

  #drop(id: string): void {
    this.#followers.get(id)?.frames.close();
    if (this.#followers.delete(id)) this.#report();
  }

  #report(): void {
    this.#events.wanted([...this.#followers.values()].some(({ live }) => live));
  }

  #follow(id: string): void {
    if (this.#leader === id) return;
    this.#leader = id;
    for (const follower of [...this.#followers.keys()]) this.#drop(follower);
    this.#events.follow();
    this.#say({ type: 'ask', id: this.#id, live: this.#live });
    this.#ready();
  }

  /** Asks for the next frame. */
  #ready(): void {
    if (this.#live) this.#say({ type: 'ready', id: this.#id });
  }

  #say(message: Message): void {
    this.#channel?.postMessage(message);
  }
}
