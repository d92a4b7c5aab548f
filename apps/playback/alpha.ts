import { scale } from './scale.ts';

const SAME_RANGE = ':in_range=full:out_range=full';
const ON_BLACK = scale('neighbor', `:alphablend=uniform_color${SAME_RANGE}`);

/** A format with alpha that `scale` can put on black, and how it is named without. */
export interface PlanarAlpha {
  pixelFormat: string;
  opaque: string;
  bits: number;
}

/** Returns what a planar format with alpha is brought to, undefined for any other format. */
export function planarAlpha(pixelFormat: string): PlanarAlpha | undefined {
  if (!/^(yuva|ayuv|vuya)/.test(pixelFormat)) return undefined;
  const bits = /(9|1\d|64)[lb]e$/.test(pixelFormat) ? 16 : 8;
  const name = `${/\d{3}/.exec(pixelFormat)?.[0] ?? '444'}p${bits === 16 ? '16le' : ''}`;
  return { pixelFormat: `yuva${name}`, opaque: `yuv${name}`, bits };
}

/**
 * Returns filters that put a picture of even size on black, in the format `result`. `scale` blends with samples of 0, so luma of limited range is moved
 * there and back; at an odd edge it would take means with samples from beyond the picture.
 */
export function planarOnBlack({ opaque, bits }: PlanarAlpha, fullRange: boolean, result: string): string[] {
  const black = 16 << (bits - 8);
  const move = (to: string) => (fullRange ? [] : [`lutyuv=y='${to}'`]);
  return [
    ...[...move(`val-${black}`), ON_BLACK, `format=${opaque}`, ...move(`val+${black}`)],
    ...(result === opaque ? [] : [scale('neighbor', SAME_RANGE), `format=${result}`]),
  ];
}

/** Returns filters that put RGB and grey on black, if the format has alpha. */
export function packedOnBlack(pixelFormat: string): string[] {
  const deep = /(1\d|32|64)[lb]e$/.test(pixelFormat);
  let formats: [alpha: string, opaque: string];
  if (/^(rgba|bgra|argb|abgr|gbrap|pal8)/.test(pixelFormat)) {
    formats = deep ? ['rgba64le', 'rgb48le'] : ['bgra', 'bgr24'];
  } else if (pixelFormat.startsWith('ya')) {
    formats = deep ? ['ya16le', 'gray16le'] : ['ya8', 'gray'];
  } else {
    return [];
  }
  return [scale('neighbor'), `format=${formats[0]}`, ON_BLACK, `format=${formats[1]}`];
}
