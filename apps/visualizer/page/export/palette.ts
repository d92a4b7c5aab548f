/** Grey in satellite imagery, JPEG's noise in the colours included. */
const GREY_SPREAD = 14;
const SIZE = 256;

/** 256 colours for a set of pictures: greys for what is grey, and for the rest those that occur most. */
export class Palette {
  /** Red, green and blue of each. */
  readonly colours = new Uint8Array(SIZE * 3);
  readonly #greys: number;
  /** The nearest entry for each colour of 5 bits a channel. */
  readonly #nearest = new Int16Array(1 << 15).fill(-1);

  /** @param samples RGBA pixels of some of the pictures */
  constructor(samples: Uint8ClampedArray[]) {
    const counts = new Map<number, number>();
    for (const rgba of samples) {
      for (let i = 0; i < rgba.length; i += 16) {
        const [red, green, blue] = [rgba[i]!, rgba[i + 1]!, rgba[i + 2]!];
        if (isGrey(red, green, blue)) continue;
        const key = keyOf(red, green, blue);
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
    const boxes = cut([...counts], SIZE / 2);
    this.#greys = SIZE - boxes.length;
    for (let i = 0; i < this.#greys; i++) {
      this.colours.fill(Math.round((i * 255) / (this.#greys - 1)), 3 * i, 3 * i + 3);
    }
    for (const [i, box] of boxes.entries()) this.colours.set(mean(box), 3 * (this.#greys + i));
  }

  /** Returns the index for each pixel. */
  apply(rgba: Uint8ClampedArray): Uint8Array {
    const indexes = new Uint8Array(rgba.length / 4);
    for (let i = 0, at = 0; at < indexes.length; i += 4, at++) {
      const [red, green, blue] = [rgba[i]!, rgba[i + 1]!, rgba[i + 2]!];
      indexes[at] = isGrey(red, green, blue) ? this.#grey(red, green, blue) : this.#colour(red, green, blue);
    }
    return indexes;
  }

  #grey(red: number, green: number, blue: number): number {
    return Math.round(((red * 77 + green * 150 + blue * 29) / 65_280) * (this.#greys - 1));
  }

  #colour(red: number, green: number, blue: number): number {
    const key = keyOf(red, green, blue);
    if (this.#nearest[key]! < 0) {
      let [best, least] = [0, Number.POSITIVE_INFINITY];
      for (let i = 0; i < SIZE; i++) {
        const off = (channel: number, value: number) => (this.colours[3 * i + channel]! - value) ** 2;
        const distance = off(0, red) + off(1, green) + off(2, blue);
        if (distance < least) [best, least] = [i, distance];
      }
      this.#nearest[key] = best;
    }
    return this.#nearest[key]!;
  }
}

type Counted = [key: number, count: number];

const CHANNELS = [(key: number) => key >> 10, (key: number) => (key >> 5) & 31, (key: number) => key & 31];

function keyOf(red: number, green: number, blue: number): number {
  return ((red >> 3) << 10) | ((green >> 3) << 5) | (blue >> 3);
}

function isGrey(red: number, green: number, blue: number): boolean {
  return Math.max(red, green, blue) - Math.min(red, green, blue) <= GREY_SPREAD;
}

/** Median cut: halves the box with the most pixels along its longest side, until there are enough. */
function cut(colours: Counted[], most: number): Counted[][] {
  const boxes = colours.length > 0 ? [colours] : [];
  const weight = (box: Counted[]) => (box.length < 2 ? 0 : box.reduce((sum, [, count]) => sum + count, 0));
  while (boxes.length < most) {
    const heaviest = boxes.reduce((best, box) => (weight(box) > weight(best) ? box : best), boxes[0] ?? []);
    if (weight(heaviest) === 0) break;
    const spread = (channel: (key: number) => number) => {
      const values = heaviest.map(([key]) => channel(key));
      return Math.max(...values) - Math.min(...values);
    };
    const channel = CHANNELS.reduce((best, other) => (spread(other) > spread(best) ? other : best));
    heaviest.sort(([a], [b]) => channel(a) - channel(b));
    let [half, at] = [weight(heaviest) / 2, 0];
    while (at < heaviest.length - 1 && half > 0) half -= heaviest[at++]![1];
    boxes.splice(
      boxes.indexOf(heaviest),
      1,
      heaviest.slice(0, Math.max(1, at)),
      heaviest.slice(Math.max(1, at)),
    );
  }
  return boxes;
}

function mean(box: Counted[]): number[] {
  const total = box.reduce((sum, [, count]) => sum + count, 0);
  return CHANNELS.map(channel => {
    const sum = box.reduce((all, [key, count]) => all + channel(key) * count, 0);
    return Math.round((sum / total) * 8 + 4);
  });
}
