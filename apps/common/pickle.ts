/**
 * Reads and writes the pickle of one NumPy array, `uint8` of shape (height, width, 3), without a pickle machine.
 *
 * A pickle is a program for a stack machine, and we must not run one that a peer wrote. Picklers write the same operations
 * in the same order for every such array, so this file reads a grammar: it compares each operation with the only one
 * (rarely two) that may come next, and stops at the first difference. There is no stack, no loop over the message and no
 * size taken from it.
 *
 * Sources: operations, CPython `Lib/pickletools.py`; framing, PEP 3154; buffers within the pickle, PEP 574 and
 * `save_picklebuffer` in `Modules/_pickle.c`; what an array reduces to, `array_reduce` and
 * `array_reduce_ex_picklebuffer` in NumPy's `multiarray/methods.c`; its type, `arraydescr_reduce` in `descriptor.c`.
 */
import type { MemoryOrder } from './pixels.ts';

export type Located =
  | { ok: true; offset: number; length: number; order: MemoryOrder }
  | { ok: false; detail: string };

/** Operations by their names in `pickletools`, as Latin-1 characters, so that sequences of them are strings. */
const OP = {
  PROTO: '\x80',
  FRAME: '\x95',
  STOP: '.',
  MARK: '(',
  NONE: 'N',
  NEWTRUE: '\x88',
  NEWFALSE: '\x89',
  /** BININT and its only argument here. */
  MINUS_ONE: 'J\xff\xff\xff\xff',
  BININT1: 'K',
  BININT2: 'M',
  SHORT_BINBYTES: 'C',
  BINBYTES: 'B',
  BYTEARRAY8: '\x96',
  BINUNICODE: 'X',
  SHORT_BINUNICODE: '\x8c',
  GLOBAL: 'c',
  STACK_GLOBAL: '\x93',
  TUPLE: 't',
  TUPLE1: '\x85',
  TUPLE3: '\x87',
  REDUCE: 'R',
  BUILD: 'b',
  BINPUT: 'q',
  BINGET: 'h',
  MEMOIZE: '\x94',
} as const;

/** NumPy 1's name of a module, then NumPy 2's. */
const MULTIARRAY = ['numpy.core.multiarray', 'numpy._core.multiarray'];
const NUMERIC = ['numpy.core.numeric', 'numpy._core.numeric'];

/** Returns an unsigned number, least significant byte first. */
function littleEndian(value: number, bytes: number): string {
  return String.fromCharCode(...Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** i) % 256));
}

/** Returns a number from 0 to 65 535 as picklers write it. */
function integer(value: number): string {
  return value < 256 ? OP.BININT1 + littleEndian(value, 1) : OP.BININT2 + littleEndian(value, 2);
}

const FRAME_HEAD_BYTES = 9;
/** Picklers leave a shorter one unframed. */
const FRAME_MIN_BYTES = 4;

/** Returns what precedes a `bytes` object. BINBYTES8 is for 4 GiB and more, which no frame has. */
function bytesHead(length: number): string {
  return length < 256 ? OP.SHORT_BINBYTES + littleEndian(length, 1) : OP.BINBYTES + littleEndian(length, 4);
}

/** Follows a pickle step by step. Each step moves past what it names, or stays before it and returns false. */
class Reader {
  readonly #pickle: Buffer;
  /** Texts in the memo, at their index; other objects are ''. */
  readonly #memo: string[] = [];
  #position = 0;
  #frameEnd = 0;
  #protocol = 0;
  #expected = '';

  constructor(pickle: Uint8Array) {
    this.#pickle = Buffer.from(pickle.buffer, pickle.byteOffset, pickle.length);
  }

  /** Returns where it stopped and what it expected there. */
  get complaint(): string {
    return this.#position < this.#pickle.length
      ? `byte ${this.#position} of the pickle is not ${this.#expected}`
      : `the pickle ends at byte ${this.#position}, before ${this.#expected}`;
  }

  protocol(): boolean {
    this.#expected = 'the start of protocol 3, 4 or 5';
    this.#protocol = this.#pickle[1] ?? 0;
    return [3, 4, 5].includes(this.#protocol) && this.#take(OP.PROTO + littleEndian(this.#protocol, 1));
  }

  end(): boolean {
    this.#expected = 'its end';
    return this.#position === this.#pickle.length;
  }

  /** Reads an operation that leaves no new object. */
  op(name: keyof typeof OP): boolean {
    this.#expected = name;
    return this.#take(OP[name]);
  }

  /** Reads an operation that makes an object of what is on the stack. */
  make(name: 'TUPLE' | 'TUPLE1' | 'TUPLE3' | 'REDUCE' | 'STACK_GLOBAL'): boolean {
    return this.op(name) && this.#memoize();
  }

  integer(value: number, meaning = 'the number'): boolean {
    this.#expected = `${meaning} ${value}`;
    return this.#take(integer(value));
  }

  /** NumPy before 1.19 wrote the flags of a type as numbers. */
  flag(value: boolean): boolean {
    this.#expected = `the flag ${value}`;
    return this.#take(value ? OP.NEWTRUE : OP.NEWFALSE) || this.#take(integer(Number(value)));
  }

  /** Reads a text. The second time it may come from the memo. */
  text(value: string, meaning = 'the text'): boolean {
    this.#expected = `${meaning} ${value}`;
    const known = this.#memo.indexOf(value);
    if (known >= 0 && this.#take(OP.BINGET + littleEndian(known, 1))) return true;
    const head =
      this.#protocol < 4
        ? OP.BINUNICODE + littleEndian(value.length, 4)
        : OP.SHORT_BINUNICODE + littleEndian(value.length, 1);
    return this.#take(head + value) && this.#memoize(value);
  }

  /** Reads the name of something in one of `modules`: it is compared, never looked up. */
  global(modules: readonly string[], name: string): boolean {
    if (this.#protocol >= 4) {
      return (
        modules.some(module => this.text(module, 'the module')) &&
        this.text(name, 'the name') &&
        this.make('STACK_GLOBAL')
      );
    }
    return modules.some(module => {
      this.#expected = `the name ${module} ${name}`;
      return this.#take(`${OP.GLOBAL}${module}\n${name}\n`) && this.#memoize();
    });
  }

  /** Reads the `b'b'` that NumPy writes if the element type comes later. */
  placeholder(): boolean {
    this.#expected = "the bytes b'b'";
    return this.#take(`${bytesHead(1)}b`) && this.#memoize();
  }

  /** Returns where the `length` bytes of an object with one of these heads lie. */
  pixels(heads: readonly string[], length: number): number | undefined {
    this.#expected = `an object of ${length} bytes`;
    const head = heads.find(candidate => this.#startsWith(candidate));
    if (head === undefined) return undefined;
    const offset = this.#position + head.length;
    return this.#advance(head.length + length) && this.#memoize() ? offset : undefined;
  }

  /** Reads a put into the memo, if there is one: `pickletools.optimize` leaves out what is not fetched again. */
  #memoize(text = ''): true {
    const put = this.#protocol < 4 ? OP.BINPUT + littleEndian(this.#memo.length, 1) : OP.MEMOIZE;
    if (this.#take(put)) this.#memo.push(text);
    return true;
  }

  #take(literal: string): boolean {
    return this.#startsWith(literal) && this.#advance(literal.length);
  }

  #startsWith(literal: string): boolean {
    for (let i = 0; i < literal.length; i++) {
      if (this.#pickle[this.#position + i] !== literal.charCodeAt(i)) return false;
    }
    return true;
  }

  /** Moves past `bytes`, all inside a frame or all outside, and into a frame if one begins there. */
  #advance(bytes: number): boolean {
    const position = this.#position + bytes;
    const straddles = this.#position < this.#frameEnd && position > this.#frameEnd;
    if (straddles || position > this.#pickle.length) return false;
    this.#position = position;
    this.#enterFrame();
    return true;
  }

  #enterFrame(): void {
    const start = this.#position + FRAME_HEAD_BYTES;
    if (this.#protocol < 4 || this.#position < this.#frameEnd || start > this.#pickle.length) return;
    if (!this.#startsWith(OP.FRAME)) return;
    const bytes = Number(this.#pickle.readBigUInt64LE(this.#position + 1));
    if (bytes < FRAME_MIN_BYTES || bytes > this.#pickle.length - start) return;
    this.#position = start;
    this.#frameEnd = start + bytes;
  }
}

type Found = { offset: number; order: MemoryOrder };

/** Reads `numpy.dtype('u1', False, True)` and its state of version 3, without byte order, fields or shape. */
function readElementType(reader: Reader): boolean {
  return (
    reader.global(['numpy'], 'dtype') &&
    reader.text('u1', 'the element type') &&
    reader.flag(false) &&
    reader.flag(true) &&
    reader.make('TUPLE3') &&
    reader.make('REDUCE') &&
    reader.op('MARK') &&
    reader.integer(3) &&
    reader.text('|', 'the byte order') &&
    reader.op('NONE') &&
    reader.op('NONE') &&
    reader.op('NONE') &&
    reader.op('MINUS_ONE') &&
    reader.op('MINUS_ONE') &&
    reader.integer(0) &&
    reader.make('TUPLE') &&
    reader.op('BUILD')
  );
}

function readShape(reader: Reader, width: number, height: number): boolean {
  return (
    reader.integer(height, 'the height') &&
    reader.integer(width, 'the width') &&
    reader.integer(3, 'the channels') &&
    reader.make('TUPLE3')
  );
}

/** Reads `_reconstruct(ndarray, (0,), b'b')` and the state (1, shape, type, whether Fortran order, bytes). */
function readReconstructed(reader: Reader, width: number, height: number): Found | undefined {
  const begins =
    reader.global(['numpy'], 'ndarray') &&
    reader.integer(0) &&
    reader.make('TUPLE1') &&
    reader.placeholder() &&
    reader.make('TUPLE3') &&
    reader.make('REDUCE') &&
    reader.op('MARK') &&
    reader.integer(1) &&
    readShape(reader, width, height) &&
    readElementType(reader);
  if (!begins) return undefined;
  const order = reader.op('NEWTRUE') ? 'F' : 'C';
  if (order === 'C' && !reader.op('NEWFALSE')) return undefined;
  const length = width * height * 3;
  const offset = reader.pixels([bytesHead(length)], length);
  return offset !== undefined && reader.make('TUPLE') && reader.op('BUILD') ? { offset, order } : undefined;
}

/** Reads `_frombuffer(bytes, type, shape, order)`, which protocol 5 uses for contiguous memory. */
function readFromBuffer(reader: Reader, width: number, height: number): Found | undefined {
  const length = width * height * 3;
  // A writable array's bytes are a bytearray, a read-only one's are bytes.
  const heads = [OP.BYTEARRAY8 + littleEndian(length, 8), bytesHead(length)];
  const offset = reader.op('MARK') ? reader.pixels(heads, length) : undefined;
  if (offset === undefined || !readElementType(reader) || !readShape(reader, width, height)) return undefined;
  const order = (['F', 'C'] as const).find(letter => reader.text(letter, 'the memory order'));
  return order && reader.make('TUPLE') && reader.make('REDUCE') ? { offset, order } : undefined;
}

/**
 * Returns where the pixels lie in the pickle of a `uint8` array (height, width, 3), C- or Fortran-contiguous, as protocols 3
 * to 5 write it under NumPy 1 and 2. It refuses everything else, and any byte after the pickle's end.
 *
 * @param width pixels, 1 to 65 535; `height` too
 */
export function locateArray(pickle: Uint8Array, width: number, height: number): Located {
  const reader = new Reader(pickle);
  let found: Found | undefined;
  if (reader.protocol()) {
    if (reader.global(NUMERIC, '_frombuffer')) found = readFromBuffer(reader, width, height);
    else if (reader.global(MULTIARRAY, '_reconstruct')) found = readReconstructed(reader, width, height);
  }
  if (!found || !reader.op('STOP') || !reader.end()) return { ok: false, detail: reader.complaint };
  return { ok: true, ...found, length: width * height * 3 };
}

/**
 * Returns what makes a pickle of the packed rows of a (height, width, 3) array, before and after them.
 *
 * It is of protocol 3, which has no frames and which every Python 3 reads. The names are NumPy 1's: NumPy 2 keeps
 * `numpy.core.multiarray._reconstruct` for old pickles and warns about `numpy.core.numeric._frombuffer`. The loaded array
 * is writable, so OpenCV can draw on it.
 *
 * @param width pixels, 1 to 65 535; `height` too
 */
export function pickleEnvelope(width: number, height: number): { before: Buffer; after: Buffer } {
  const shape = integer(height) + integer(width) + integer(3) + OP.TUPLE3;
  const flags = OP.NEWFALSE + OP.NEWTRUE + OP.TUPLE3;
  const text = (value: string) => OP.BINUNICODE + littleEndian(value.length, 4) + value;
  const before = [
    `${OP.PROTO}\x03${OP.GLOBAL}numpy.core.multiarray\n_reconstruct\n`,
    `${OP.GLOBAL}numpy\nndarray\n${integer(0)}${OP.TUPLE1}${bytesHead(1)}b${OP.TUPLE3}${OP.REDUCE}`,
    `${OP.MARK}${integer(1)}${shape}`,
    `${OP.GLOBAL}numpy\ndtype\n${text('u1')}${flags}${OP.REDUCE}`,
    `${OP.MARK}${integer(3)}${text('|')}${OP.NONE.repeat(3)}${OP.MINUS_ONE.repeat(2)}${integer(0)}`,
    `${OP.TUPLE}${OP.BUILD}${OP.NEWFALSE}${bytesHead(width * height * 3)}`,
  ];
  return {
    before: Buffer.from(before.join(''), 'latin1'),
    after: Buffer.from(OP.TUPLE + OP.BUILD + OP.STOP, 'latin1'),
  };
}
