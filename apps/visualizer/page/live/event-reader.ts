import { addressOf } from './address.ts';

const NEWLINE = 10;
const DATA_BYTES = 'data: '.length;

/**
 * Reads an event stream until it ends or `signal` is aborted. Returns whether the server refused it or it was lost.
 *
 * Events stay bytes: EventSource would make a string of each picture, which costs the page 2 ms of CPU at 1080p.
 */
export async function readEvents(
  path: string,
  signal: AbortSignal,
  on: (kind: string, data: Uint8Array<ArrayBuffer>) => void,
): Promise<'refused' | 'lost'> {
  try {
    const headers = { Accept: 'text/event-stream' };
    const { ok, body } = await fetch(addressOf(path), { signal, headers, cache: 'no-store' });
    if (!ok || !body) return 'refused';
    const reader = body.getReader();
    const lines = new Lines();
    let [kind, data] = ['', new Uint8Array()];
    for (let read = await reader.read(); read.value; read = await reader.read()) {
      for (const line of lines.take(read.value)) {
        if (signal.aborted) return 'lost';
        if (line.length === 0) {
          if (data.length > 0) on(kind, data);
          [kind, data] = ['', line];
        } else if (starts(line, 'data: ')) {
          data = line.subarray(DATA_BYTES);
        } else if (starts(line, 'event: ')) {
          kind = new TextDecoder().decode(line).slice('event: '.length);
        }
      }
    }
  } catch {
    // What was heard until then decides what the page says.
  }
  return 'lost';
}

/** Cuts bytes into lines. Costs one copy of each line that came in several pieces, as pictures do. */
class Lines {
  #pieces: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;

  *take(chunk: Uint8Array<ArrayBuffer>): Generator<Uint8Array<ArrayBuffer>> {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      yield this.#join(chunk.subarray(from, end));
      from = end + 1;
    }
    this.#keep(chunk.subarray(from));
  }

  #keep(piece: Uint8Array<ArrayBuffer>): void {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
  }

  #join(last: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    if (this.#bytes === 0) return last;
    this.#keep(last);
    const line = new Uint8Array(this.#bytes);
    let at = 0;
    for (const piece of this.#pieces) {
      line.set(piece, at);
      at += piece.length;
    }
    this.#pieces = [];
    this.#bytes = 0;
    return line;
  }
}

function starts(line: Uint8Array, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (line[i] !== text.charCodeAt(i)) return false;
  return true;
}
