import type { ProbedStream } from './clip.ts';

export interface Size {
  width: number;
  height: number;
}

/** How decoded pictures are to be turned for display, as ffmpeg's filters name it. */
export type Turn = 'none' | 'hflip' | 'vflip' | 'half' | 'clock' | 'cclock' | 'clock_flip' | 'cclock_flip';

/** A size that was asked for, of the picture as displayed. A picture is never enlarged to it. */
export type WantedSize = { width: number } | { height: number } | { fraction: number };

/**
 * Reads a size as operators write it: `1920x`, `x1080` or `0.5`.
 *
 * @throws Error that says what would do
 */
export function readSize(text: string): WantedSize {
  const [, across, down] = /^(\d{1,5})x$|^x(\d{1,5})$/i.exec(text) ?? [];
  const length = Number(across ?? down);
  if (length >= 2) return across === undefined ? { height: length } : { width: length };
  const fraction = Number(text);
  if (/^(\d+\.?\d*|\.\d+)$/.test(text) && fraction > 0 && fraction <= 1) return { fraction };
  throw new Error('must be a width (1920x), a height (x1080) or a fraction of at most 1 (0.5)');
}

/** What is done to a decoded picture before it has the shape in which it is displayed. */
export interface Shape {
  turn: Turn;
  /** How many times wider than high a decoded pixel is displayed. */
  sampleAspect: number;
  wanted: WantedSize | undefined;
  /** The decoder itself halves both sides this many times. */
  halvings: number;
}

/** Beyond this a sample aspect ratio is a fault of the file's. */
const MOST_ASPECT = 16;
/** Pixels this close to square are left alone: on 1920 of them it is 7. */
const SQUARE_ENOUGH = 1 / 256;

/** Returns a stream's sample aspect ratio, 1 where it has none or one that makes no sense. */
export function sampleAspectOf({ sample_aspect_ratio: text }: ProbedStream): number {
  const [across = 0, down = 0] = String(text).split(':').map(Number);
  return limitAspect(across / down);
}

/** Returns an aspect ratio as it is applied, 1 if it makes no sense. */
export function limitAspect(aspect: number): number {
  if (!(aspect > 0) || !Number.isFinite(aspect) || Math.abs(aspect - 1) < SQUARE_ENOUGH) return 1;
  return Math.min(Math.max(aspect, 1 / MOST_ASPECT), MOST_ASPECT);
}

/**
 * Reads a display matrix: rows of numbers of which the upper left four say where x and y go. An angle that is no multiple
 * of 90° becomes the nearest one.
 *
 * @param found the side data of a stream, or of its first picture where the stream has none
 */
export function turnOf(...found: (ProbedStream | undefined)[]): Turn {
  const text = found
    .flatMap(part => part?.side_data_list ?? [])
    .map(data => data['displaymatrix'])
    .find(matrix => typeof matrix === 'string');
  const cells = (text ?? '')
    .split('\n')
    .flatMap(row => row.split(':')[1]?.trim().split(/\s+/).map(Number) ?? []);
  const [xx = 1, xy = 0, , yx = 0, yy = 1] = cells;
  if (Math.abs(xy) > Math.abs(xx)) {
    if (xy > 0) return yx < 0 ? 'clock' : 'cclock_flip';
    return yx < 0 ? 'clock_flip' : 'cclock';
  }
  if (xx < 0) return yy < 0 ? 'half' : 'hflip';
  return yy < 0 ? 'vflip' : 'none';
}

/** Whether what is decoded as a row is displayed as a column. */
export function isOnItsSide({ turn }: Pick<Shape, 'turn'>): boolean {
  return turn.includes('clock');
}

/** Returns the size in which a picture is displayed, by the same rules as the filters below. */
export function displayedSize({ width, height }: Size, shape: Shape): Size {
  const { sampleAspect, wanted } = shape;
  let [w, h] = [width, height];
  if (sampleAspect > 1) w = even(w * sampleAspect);
  const narrow = Math.min(1, sampleAspect);
  let factor = 1;
  if (wanted) factor = 'fraction' in wanted ? wanted.fraction : sideFactor(shape, w * narrow, h);
  if (factor < 1) [w, h] = [even(w * narrow * factor), even(h * factor)];
  else if (narrow < 1) w = even(w * narrow);
  return isOnItsSide(shape) ? { width: h, height: w } : { width: w, height: h };
}

/** Returns the even length at or below this one, but for what a rounded ratio lacks. */
function even(length: number): number {
  return 2 * Math.max(1, Math.floor(length / 2 + 0.05));
}

/** Returns the side of the decoded picture that was asked for, and its length. */
function wantedSide({ wanted, turn }: Shape): ['w' | 'h', number] | undefined {
  if (!wanted || 'fraction' in wanted) return undefined;
  const [isWidth, length] = 'width' in wanted ? [true, wanted.width] : [false, wanted.height];
  return [isWidth !== isOnItsSide({ turn }) ? 'w' : 'h', length];
}

function sideFactor(shape: Shape, w: number, h: number): number {
  const [side, length] = wantedSide(shape)!;
  return length / (side === 'w' ? w : h);
}

/** A picture's own sample aspect ratio in ffmpeg's expressions: a stream may change it with its size. */
const ASPECT = `if(lt(abs(sar-1),${SQUARE_ENOUGH}),1,clip(sar,1/${MOST_ASPECT},${MOST_ASPECT}))`;
const evenly = (length: string) => `2*max(1,floor((${length})/2+0.05))`;

/** Returns the width, as `scale` takes it, of a picture whose pixels are wider than high; any other's stays. */
export function widened({ sampleAspect }: Shape): string {
  return `if(gt(${ASPECT},1),${evenly(`iw*(${ASPECT})`)},${sampleAspect > 1 ? evenly('iw') : 'iw'})`;
}

/**
 * Returns the width and height, as `scale` takes them, of a picture that was widened; undefined where there
 * is nothing to make smaller.
 *
 * @param odd whether the decoded clip's width and height may stay odd
 */
export function reduced(
  shape: Shape,
  odd: readonly [across: boolean, down: boolean],
): { width: string; height: string } | undefined {
  const { sampleAspect, wanted, halvings } = shape;
  const width = sampleAspect < 1 ? `iw*min(1,${ASPECT})` : 'iw';
  if (!wanted) return sampleAspect < 1 ? { width: evenly(width), height: 'ih' } : undefined;
  const side = wantedSide(shape);
  let factor: string;
  if (side) factor = `${side[1]}/(${side[0] === 'w' ? width : 'ih'})`;
  else factor = String('fraction' in wanted ? Math.min(1, wanted.fraction * 2 ** halvings) : 1);
  // What is small enough stays as it is.
  const narrowed = sampleAspect < 1 || !odd[0] ? evenly(width) : width;
  return {
    width: `if(lt(${factor},1),${evenly(`${width}*${factor}`)},${narrowed})`,
    height: `if(lt(${factor},1),${evenly(`ih*${factor}`)},${odd[1] ? 'ih' : evenly('ih')})`,
  };
}

/** Returns how often a decoder may halve both sides so that what was asked for is not smaller than what it decodes. */
export function halvingsFor(coded: Size, shape: Omit<Shape, 'halvings'>, most: number): number {
  if (!shape.wanted) return 0;
  const full = displayedSize(coded, { ...shape, wanted: undefined, halvings: 0 });
  const { width } = displayedSize(coded, { ...shape, halvings: 0 });
  return Math.max(0, Math.min(most, Math.floor(Math.log2(full.width / width) + 0.01)));
}
