/** Small changes at random places: what a damaged line does, and what an attacker tries. */
const NUMBERS = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

export interface Material {
  random: () => number;
  /** Words that the parser knows. */
  dictionary: readonly string[];
  /** Another input, to splice with. */
  other: Buffer;
  maxBytes: number;
}

/** Returns a changed copy. */
export function mutate(input: Buffer, material: Material): Buffer {
  let bytes = input;
  for (let changes = 1 + Math.floor(material.random() ** 3 * 6); changes > 0; changes -= 1)
    bytes = changed(bytes, material);
  return bytes.subarray(0, material.maxBytes);
}

function changed(input: Buffer, { random, dictionary, other }: Material): Buffer {
  const pick = (count: number) => Math.floor(random() * count);
  const bytes = Buffer.from(input);
  const at = pick(bytes.length + 1);
  const length = Math.min(bytes.length - at, 1 + pick(1 + pick(64)));
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
  const insert = (middle: Uint8Array) => Buffer.concat([head, middle, tail]);
  switch (pick(9)) {
    case 0:
      if (at < bytes.length) bytes[at]! ^= 1 << pick(8);
      return bytes;
    case 1:
      if (at < bytes.length) bytes[at] = pick(256);
      return bytes;
    case 2:
      return Buffer.concat([head, tail.subarray(length)]);
    case 3:
      return insert(tail.subarray(0, length));
    case 4: {
      const number = NUMBERS[pick(NUMBERS.length)]!;
      if (at + 4 > bytes.length) return bytes;
      if (pick(2)) bytes.writeUInt32BE(number, at);
      else bytes.writeUInt32LE(number, at);
      return bytes;
    }
    case 5:
      return insert(Buffer.from(dictionary[pick(dictionary.length)] ?? ''));
    case 6:
      return Buffer.concat([head, other.subarray(pick(other.length + 1))]);
    case 7: {
      // A number in a text becomes another.
      const text = bytes.toString('latin1');
      const numbers = [...text.matchAll(/-?\d+/g)];
      const one = numbers[pick(numbers.length)];
      if (!one) return bytes;
      const value = String([0, -1, NUMBERS[pick(NUMBERS.length)]!, 1e21, 0.5][pick(5)]);
      const end = one.index + one[0].length;
      return Buffer.from(text.slice(0, one.index) + value + text.slice(end), 'latin1');
    }
    default:
      return insert(Buffer.from(Array.from({ length: 1 + pick(8) }, () => pick(256))));
  }
}
