/** One part of a `multipart/x-mixed-replace` stream. Names of headers are in lower case. */
export interface Part {
  headers: ReadonlyMap<string, string>;
  /** Memory of its own. */
  body: Buffer;
}

export interface PartLimits {
  /** Of one part's boundary and headers. */
  headerBytes: number;
  bodyBytes: number;
  /** Parts in a burst, and a second in the long run. */
  burst: number;
  perSecond: number;
}

/** Why a stream cannot be read on; everything after it is lost. */
export class BadStream extends Error {}

const HEADER_END = Buffer.from('\r\n\r\n');

/**
 * Reads the parts of a stream, which may be hostile. Every part must state its length. What it
 * holds is bounded by the limits: one block of headers and one body.
 *
 * Cost: one allocation and one copy a part.
 */
export class PartReader {
  readonly #opening: string;
  readonly #limits: PartLimits;
  readonly #onPart: (part: Part) => void;
  /** What has come of a block of headers. */
  #head: Buffer = Buffer.alloc(0);
  #headers: ReadonlyMap<string, string> | undefined;
  #body: Buffer = Buffer.alloc(0);
  #filled = 0;
  #allowance: number;
  #countedMs = performance.now();

  constructor(boundary: string, limits: PartLimits, onPart: (part: Part) => void) {
    this.#opening = `--${boundary}`;
    this.#limits = limits;
    this.#onPart = onPart;
    this.#allowance = limits.burst;
  }

  /** @throws BadStream */
  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) rest = this.#headers ? this.#readBody(rest) : this.#readHead(rest);
  }

  #readHead(chunk: Buffer): Buffer {
    // The line break after a body belongs to the next boundary.
    const head =
      this.#head.length > 0
        ? Buffer.concat([this.#head, chunk.subarray(0, this.#limits.headerBytes)])
        : chunk;
    const end = head.subarray(0, this.#limits.headerBytes).indexOf(HEADER_END);
    if (end < 0) {
      if (head.length >= this.#limits.headerBytes)
        throw new BadStream(`a part has more than ${this.#limits.headerBytes} bytes of headers`);
      this.#head = Buffer.from(head);
      return chunk.subarray(chunk.length);
    }
    const used = end + HEADER_END.length - this.#head.length;
    this.#head = Buffer.alloc(0);
    this.#begin(head.toString('latin1', 0, end));
    return chunk.subarray(used);
  }

  #begin(text: string): void {
    const [opening, ...lines] = text.replace(/^\r\n/, '').split('\r\n');
    if (opening !== this.#opening) throw new BadStream('a part does not begin with the boundary');
    const headers = new Map<string, string>();
    for (const line of lines) {
      const [, name = '', value = ''] = /^([\w-]+):[ \t]*([\x20-\x7e]*?)[ \t]*$/.exec(line) ?? [];
      if (name === '' || headers.has(name.toLowerCase()))
        throw new BadStream('a part has a header that is none, or the same one twice');
      headers.set(name.toLowerCase(), value);
    }
    const stated = headers.get('content-length') ?? '';
    if (!/^\d{1,10}$/.test(stated)) throw new BadStream('a part does not state its length');
    const bytes = Number(stated);
    if (bytes > this.#limits.bodyBytes) throw new BadStream(`a part of ${bytes} bytes`);
    this.#count();
    this.#headers = headers;
    // Not from the pool, of which a kept picture would hold all.
    this.#body = Buffer.allocUnsafeSlow(bytes);
    this.#filled = 0;
    if (bytes === 0) this.#finish();
  }

  #readBody(chunk: Buffer): Buffer {
    const copied = chunk.copy(this.#body, this.#filled);
    this.#filled += copied;
    if (this.#filled === this.#body.length) this.#finish();
    return chunk.subarray(copied);
  }

  #finish(): void {
    const part = { headers: this.#headers!, body: this.#body };
    this.#headers = undefined;
    this.#body = Buffer.alloc(0);
    this.#onPart(part);
  }

  #count(nowMs = performance.now()): void {
    const { burst, perSecond } = this.#limits;
    this.#allowance = Math.min(burst, this.#allowance + ((nowMs - this.#countedMs) * perSecond) / 1000);
    this.#countedMs = nowMs;
    this.#allowance -= 1;
    if (this.#allowance < 0) throw new BadStream(`more than ${perSecond} parts a second`);
  }
}
