import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import { locateArray, pickleEnvelope } from '../apps/common/pickle.ts';
import type { MemoryOrder } from '../apps/common/pixels.ts';
import { linesOf, requirePython } from './python/interpreter.ts';

interface Dump {
  width: number;
  height: number;
  order: string;
  pickle: Buffer;
}

/** The array's elements in the order of rows, whatever their order in memory. */
function rows(pixels: Uint8Array, order: MemoryOrder, width: number, height: number): Uint8Array {
  if (order === 'C') return pixels;
  return pixels.map((_, i) => {
    const [y, x, channel] = [Math.floor(i / (width * 3)), Math.floor(i / 3) % width, i % 3];
    return pixels[y + height * (x + width * channel)]!;
  });
}

const pictures = new Map<string, Uint8Array>();

/** The picture that `dump_arrays.py` makes, as it lies in memory. */
function pictureInMemory(width: number, height: number, order: MemoryOrder): Uint8Array {
  const key = `${width}×${height} ${order}`;
  let picture = pictures.get(key);
  if (!picture) {
    const packed = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7) % 251);
    // In Fortran order the first axis, the row's number, changes with every byte.
    picture =
      order === 'C'
        ? packed
        : packed.map((_, i) => {
            const [y, x, channel] = [
              i % height,
              Math.floor(i / height) % width,
              Math.floor(i / height / width),
            ];
            return packed[(y * width + x) * 3 + channel]!;
          });
    pictures.set(key, picture);
  }
  return picture;
}

const sha1 = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('hex');

describe('between Python and locateArray', () => {
  let dumps: Dump[] = [];

  before(() => {
    requirePython();
    dumps = linesOf('dump_arrays.py').map(line => {
      const { pickle, ...facts } = JSON.parse(line);
      return { ...facts, pickle: Buffer.from(pickle, 'base64') };
    });
  });

  it('every way that Python has to pickle a picture is read, to the pixel', () => {
    assert.ok(dumps.length > 500);
    for (const { width, height, order, pickle } of dumps) {
      const found = locateArray(pickle, width, height);
      const name = `${width}×${height}, order ${order}, protocol ${pickle[1]}`;
      assert.ok(found.ok, `${name}: ${!found.ok && found.detail}`);
      assert.ok(order.includes(found.order), name);
      assert.equal(found.length, width * height * 3);
      const pixels = pickle.subarray(found.offset, found.offset + found.length);
      assert.ok(pixels.equals(pictureInMemory(width, height, found.order)), name);
    }
  });

  it('whatever is read of an altered pickle, Python loads as the very same array, and names only NumPy', () => {
    const small = dumps.filter(({ pickle }) => pickle.length < 1000);
    const accepted = new Map<string, string>();
    const byte = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      value: fc.nat(255),
    });
    const edit = fc.record({
      at: fc.nat(320),
      drop: fc.nat(10),
      insert: fc.constantFrom(
        '',
        '\x94',
        'q\0',
        'h\0',
        'h\x03',
        '\x8c\x05numpy',
        'K\0K\x01',
        '\x89',
        '\x88',
        '\x95\x04\0\0\0\0\0\0\0',
      ),
    });
    const limit = {
      interruptAfterTimeLimit: Number(process.env['FUZZ_SECONDS'] ?? 3) * 1000,
      numRuns: 2 ** 31,
    };
    fc.assert(
      fc.property(
        fc.constantFrom(...small),
        fc.array(edit, { maxLength: 2 }),
        fc.array(byte, { maxLength: 2 }),
        (dump, edits, bytes) => {
          let { pickle } = dump;
          for (const { at, drop, insert } of edits) {
            pickle = Buffer.concat([
              pickle.subarray(0, at),
              Buffer.from(insert, 'latin1'),
              pickle.subarray(at + drop),
            ]);
          }
          pickle = Buffer.from(pickle);
          for (const { at, value } of bytes) pickle[Math.floor(at * pickle.length)] = value;
          const { width, height } = dump;
          const found = locateArray(pickle, width, height);
          if (!found.ok || accepted.size > 100_000) return;
          const pixels = pickle.subarray(found.offset, found.offset + found.length);
          const facts = {
            shape: [height, width, 3],
            type: 'uint8',
            sha1: sha1(rows(pixels, found.order, width, height)),
          };
          accepted.set(pickle.toString('base64'), JSON.stringify(facts));
        },
      ),
      limit,
    );
    assert.ok(accepted.size > 100, `only ${accepted.size} were accepted, which proves little`);
    const loaded = linesOf('load_arrays.py', [], [...accepted.keys()].join('\n'));
    for (const [i, [pickle, expected]] of [...accepted].entries()) {
      const { shape, type, sha1 } = JSON.parse(loaded[i]!);
      assert.equal(JSON.stringify({ shape, type, sha1 }), expected, pickle);
    }
  });
});

describe('what pickleEnvelope makes', () => {
  before(requirePython);

  it('is loaded by pickle.loads without a warning as a writable array, and the trailer is not seen', () => {
    const sizes = [
      [1, 1],
      [3, 2],
      [85, 1],
      [86, 1],
      [256, 255],
      [400, 300],
      [1, 16_384],
    ] as const;
    const messages = sizes.map(([width, height]) => {
      const { before, after } = pickleEnvelope(width, height);
      const pixels = Buffer.alloc(width * height * 3, Buffer.from([1, 2, 3, 5, 8, 13, 21]));
      return {
        width,
        height,
        pixels,
        message: Buffer.concat([before, pixels, after, Buffer.alloc(32, 'NOAA')]),
      };
    });
    const lines = messages.map(({ message }) => message.toString('base64'));
    const loaded = linesOf('load_arrays.py', ['plainly'], lines.join('\n')).map(line => JSON.parse(line));
    const expected = messages.map(({ width, height, pixels }) => ({
      shape: [height, width, 3],
      type: 'uint8',
      writable: true,
      sha1: sha1(pixels),
    }));
    assert.deepEqual(loaded, expected);
  });
});
