/** What of a libzmq XPUB socket is used here. */
interface SubscribedSocket {
  readonly readable: boolean;
  receive(): Promise<Buffer[]>;
}

/** A subscriber of ours has one. libzmq takes about 4 kB for each, and has no limit. */
const MOST_TOPICS = 64;
/** What libzmq may have taken in from many connections before they were dropped. */
const MOST_LEFT_OVER = 4096;

/** The first byte of what a subscriber sends, https://rfc.zeromq.org/spec/29/ */
const UNSUBSCRIBE = 0;
const SUBSCRIBE = 1;

/** The topics that are subscribed to at a publisher, each once, however many ask for it. */
export class Topics {
  readonly #socket: SubscribedSocket;
  readonly #topics = new Set<string>();
  #isReading = false;

  constructor(socket: SubscribedSocket) {
    this.#socket = socket;
  }

  /**
   * Reads what subscribers have sent since the last call. libzmq takes in a message or two from each whenever the socket is
   * used, so a flood waits in the kernel as long as this is called once a frame.
   *
   * @returns whether it is more than any subscriber has a use for, or not a subscription at all
   */
  async isAbused(): Promise<boolean> {
    if (this.#isReading) return false;
    this.#isReading = true;
    try {
      for (let read = 0; this.#socket.readable; read += 1) {
        const [first, ...more] = await this.#socket.receive();
        if (read === MOST_TOPICS || more.length > 0 || !this.#note(first!)) return true;
      }
      return false;
    } catch {
      // The rest of a message of several parts, which no subscription is, has not come yet; or the socket is closed.
      return true;
    } finally {
      this.#isReading = false;
    }
  }

  /** Forgets all, after every connection was dropped. */
  async clear(): Promise<void> {
    this.#isReading = true;
    try {
      for (let read = 0; read < MOST_LEFT_OVER && this.#socket.readable; read += 1)
        await this.#socket.receive();
    } catch {
      // A message of several parts that ended with its connection; or the socket is closed.
    } finally {
      this.#topics.clear();
      this.#isReading = false;
    }
  }

  #note(message: Buffer): boolean {
    const topic = message.toString('latin1', 1);
    if (message[0] === SUBSCRIBE) this.#topics.add(topic);
    else if (message[0] === UNSUBSCRIBE) this.#topics.delete(topic);
    else return false;
    return this.#topics.size <= MOST_TOPICS;
  }
}
