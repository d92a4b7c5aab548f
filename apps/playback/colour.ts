import type { WireFormat } from '../common/pixels.ts';
import type { Clip, Turn } from './clip.ts';

type Size = readonly [width: number, height: number];

/** What JPEG means by YCbCr: the matrix and the range of every frame that we publish as I420. */
const JPEG = { matrix: 'bt470bg', range: 'pc' };

/** What ffmpeg's `colorspace` filter takes as it is. */
const TAKEN = /^yuvj?4(?:20|22|44)p$|^yuv4(?:20|22|44)p1[02]le$/;
const TURNS: Record<Turn, string[]> = {
  none: [],
  hflip: ['hflip'],
  vflip: ['vflip'],
  half: ['hflip', 'vflip'],
  clock: ['transpose=clock'],
  cclock: ['transpose=cclock'],
  clock_flip: ['transpose=clock_flip'],
  cclock_flip: ['transpose=cclock_flip'],
};

/**
 * The filters that turn a clip's pictures into one wire format, of one size whatever happens inside the clip.
 *
 * A pixel under the border must not colour one outside it. So chroma is never interpolated: where it is coarser than
 * luma each pixel takes the sample that covers it, and where it must become coarser exactly the pixels that share the
 * new sample are averaged. ffmpeg's `colorspace` does both, with matrix, range and depth in one pass of 16-bit
 * integers. `scale` would blend neighbours, so it only gets work that leaves each sample as it is.
 */
export function colourFilters(clip: Clip, format: WireFormat): string[] {
  const turn = TURNS[clip.turn];
  const shown: Size = [clip.width, clip.height];
  const coded: Size = clip.turn.includes('clock') ? [clip.height, clip.width] : shown;
  if (clip.matrix === 'gbr') {
    if (format !== 'i420') return [...fit(coded, 'bgr24'), ...turn];
    return [
      ...fit(coded, 'yuv444p', ':out_color_matrix=bt601:out_range=full'),
      ...turn,
      ...shareChroma(shown, 'yuv444p'),
    ];
  }
  const taken = TAKEN.test(clip.pixelFormat) ? clip.pixelFormat : nearestTaken(clip.pixelFormat);
  // The range is named full on both sides so that no sample's value changes; which it is, `colorspace` is told.
  const planar = fit(coded, taken, taken === clip.pixelFormat ? '' : ':in_range=full:out_range=full');
  const range = clip.fullRange ? 'pc' : 'tv';
  // `colorspace` fails where it has nothing to do; an MJPEG clip may be all that it would make of it.
  const asJpeg = range === JPEG.range && clip.matrix === JPEG.matrix && /^yuvj?420p$/.test(taken);
  if (asJpeg && format === 'i420' && turn.length === 0) return planar;
  const convert = (to: string) => evenly(coded, taken, colorspace(clip.matrix, range, to));
  if (format === 'i420' && turn.length === 0) return [...planar, ...convert('yuv420p')];
  // Turned, a picture of an odd size has other pixels share a sample, and a 4:2:2 one another sampling: turn it whole.
  const whole = [...planar, ...convert('yuv444p12'), ...turn];
  if (format === 'i420') return [...whole, ...shareChroma(shown, 'yuv444p12')];
  return [
    ...whole,
    'scale=flags=accurate_rnd+full_chroma_int:in_color_matrix=bt601:in_range=full',
    'format=bgr24',
  ];
}

/**
 * Brings every picture to one size and format. Costs nothing while the stream has them; it may change its own.
 *
 * Then each sample is one of the stream's, the one that covers the middle of its area: what lies wholly under the border
 * stays there. For that chroma is taken to lie in the middle of its pixels, whatever the stream says (-1), and where a
 * last column or row has less than a whole sample it is cut off, since `scale` would stretch that to a whole one. Without
 * `bitexact` some of `scale`'s ways from one sampling to another interpolate.
 */
function fit([width, height]: Size, pixelFormat: string, options = ''): string[] {
  const [sx, sy] = sharing(pixelFormat);
  const changed = `not(eq(iw,${width})*eq(ih,${height})*eq(hsub,${sx})*eq(vsub,${sy}))`;
  return [
    `crop=w='iw-${changed}*mod(iw,hsub)':h='ih-${changed}*mod(ih,vsub)':x=0:y=0:exact=1`,
    `scale=w=${width}:h=${height}:flags=neighbor+accurate_rnd+bitexact+full_chroma_int+full_chroma_inp` +
      `:in_h_chr_pos=-1:in_v_chr_pos=-1:out_h_chr_pos=-1:out_v_chr_pos=-1${options}`,
    `format=${pixelFormat}`,
  ];
}

/** From one chroma sample a pixel, as JPEG has it, to I420. */
function shareChroma(size: Size, pixelFormat: string): string[] {
  return evenly(size, pixelFormat, colorspace(JPEG.matrix, JPEG.range, 'yuv420p'));
}

/** Transfer and primaries are named alike on both sides, so that nothing but matrix, range and sampling changes. */
function colorspace(matrix: string, range: string, format: string): string {
  const same = 'itrc=bt709:trc=bt709:iprimaries=bt709:primaries=bt709';
  return `colorspace=ispace=${matrix}:irange=${range}:${same}:space=${JPEG.matrix}:range=${JPEG.range}:format=${format}`;
}

/**
 * `colorspace` takes no odd size: the last column and row are doubled before it and cut off after it. Each plane is
 * extended by itself, since `pad` cuts a picture whose chroma is shared to an even size first.
 */
function evenly([width, height]: Size, pixelFormat: string, filter: string): string[] {
  if (width % 2 === 0 && height % 2 === 0) return [filter];
  const extend = ([sx, sy]: Size) => {
    const [w, h] = [Math.ceil(width / 2) * (2 / sx), Math.ceil(height / 2) * (2 / sy)];
    const [right, bottom] = [w - Math.ceil(width / sx), h - Math.ceil(height / sy)];
    return `pad=w=${w}:h=${h}:x=0:y=0,fillborders=right=${right}:bottom=${bottom}:mode=smear`;
  };
  const shared = sharing(pixelFormat);
  return [
    `format=${pixelFormat},extractplanes=y+u+v[y][u][v]` +
      `;[y]${extend([1, 1])}[yy];[u]${extend(shared)}[uu];[v]${extend(shared)}[vv]` +
      `;[yy][uu][vv]mergeplanes=0x001020:${pixelFormat.replace('yuvj', 'yuv')}`,
    filter,
    `crop=${width}:${height}:0:0:exact=1`,
  ];
}

/** How many pixels share a chroma sample in what `colorspace` takes, across and down. */
function sharing(pixelFormat: string): Size {
  return pixelFormat.includes('420') ? [2, 2] : pixelFormat.includes('422') ? [2, 1] : [1, 1];
}

/** The format that `colorspace` takes with the same chroma samples as `pixelFormat`, or with one for every pixel. */
function nearestTaken(pixelFormat: string): string {
  let chroma = '444';
  if (/420|^nv(12|21)|^p01|^gray|^ya/.test(pixelFormat)) chroma = '420';
  else if (/422|^nv(16|20)|^p21|^y21/.test(pixelFormat)) chroma = '422';
  const bits = Number(/(\d\d?)[lb]e$/.exec(pixelFormat)?.[1] ?? 8);
  return `yuv${chroma}p${bits > 10 ? 12 : bits > 8 ? 10 : ''}`;
}
