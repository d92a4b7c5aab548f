import type { WireFormat } from '../common/pixels.ts';
import { packedOnBlack, planarAlpha, planarOnBlack } from './alpha.ts';
import type { Clip } from './clip.ts';
import { scale } from './scale.ts';
import { isOnItsSide, reduced, type Turn, widened } from './shape.ts';

/** Something for both directions: across and down. */
type Both<T> = readonly [across: T, down: T];

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
 * Returns the filters that turn a clip's pictures into one wire format.
 *
 * A picture keeps its own size, whatever the clip's is: a stream may change it, and a border is measured on the picture
 * that it covers. Where a picture's side is odd and the clip's is even, or the other way round, its last column or row may be
 * missing.
 *
 * A pixel under the border must not colour one outside it. So chroma is never interpolated: where it is coarser than
 * luma each pixel takes the sample that covers it, and where it must become coarser exactly the pixels that share the
 * new sample are averaged. ffmpeg's `colorspace` does both, with matrix, range and depth in one pass of 16-bit
 * integers. `scale` only gets work that leaves each sample as it is, or changes the size (scale.ts): then a pixel has
 * its colour from the source's pixels that it touches, and from no other.
 */
export function colourFilters(clip: Clip, format: WireFormat): string[] {
  return [...crop(clip), ...convert(clip, format)];
}

/** Returns the filters for bare pixels with their transparency, each picture in its own size. */
export function bareFilters(): string[] {
  return [scale('neighbor'), 'format=bgra'];
}

/** Crops as the container says. */
function crop({ crop }: Clip): string[] {
  if (!crop) return [];
  const { left, top, right, bottom, sampleAspect } = crop;
  return [
    `crop=w=iw-${left + right}:h=ih-${top + bottom}:x=${left}:y=${top}:exact=1`,
    ...(sampleAspect === undefined ? [] : [`setsar=sar=${sampleAspect}:max=1000000`]),
  ];
}

function convert(clip: Clip, format: WireFormat): string[] {
  const turn = TURNS[clip.turn];
  const shownOdd: Both<boolean> = [clip.width % 2 === 1, clip.height % 2 === 1];
  const odd: Both<boolean> = isOnItsSide(clip) ? [shownOdd[1], shownOdd[0]] : shownOdd;
  // A side that is scaled becomes even by that.
  const isScaled: Both<boolean> = [clip.sampleAspect !== 1 || !!clip.wanted, !!clip.wanted];
  const even: Both<boolean> = [!odd[0] && !isScaled[0], !odd[1] && !isScaled[1]];
  if (clip.matrix === 'gbr') {
    const opaque = packedOnBlack(clip.pixelFormat);
    if (format !== 'i420') {
      return [...opaque, ...unify(clip, 'bgr24', [false, false]), ...reduce(clip), ...turn];
    }
    return [
      ...opaque,
      ...unify(clip, 'yuv444p', even, ':out_color_matrix=bt601:out_range=full'),
      ...deinterlace(clip),
      ...reduce(clip),
      ...turn,
      ...shareChroma(shownOdd, 'yuv444p'),
    ];
  }
  const alpha = planarAlpha(clip.pixelFormat);
  const taken =
    alpha?.pixelFormat ?? (TAKEN.test(clip.pixelFormat) ? clip.pixelFormat : nearestTaken(clip.pixelFormat));
  const range = clip.fullRange ? 'pc' : 'tv';
  // The range is named full on both sides so that no sample's value changes; which it is, `colorspace` is told.
  const options = taken === clip.pixelFormat ? '' : ':in_range=full:out_range=full';
  // `colorspace` fails where it has nothing to do; an MJPEG clip may be all that it would make of it.
  const asJpeg = range === JPEG.range && clip.matrix === JPEG.matrix && /^yuvj?420p$/.test(taken);
  if (asJpeg && format === 'i420' && turn.length === 0) {
    return [...unify(clip, taken, [false, false], options), ...deinterlace(clip), ...reduce(clip)];
  }
  const planar = [
    ...packedOnBlack(clip.pixelFormat),
    ...unify(clip, taken, even, options),
    ...deinterlace(clip),
    ...reduce(clip),
  ];
  const onBlack = alpha ? planarOnBlack(alpha, clip.fullRange, nearestTaken(alpha.opaque)) : [];
  const toWire = (to: string) => evenly(odd, taken, [...onBlack, colorspace(clip.matrix, range, to)].join());
  if (format === 'i420' && turn.length === 0) return [...planar, ...toWire('yuv420p')];
  // Turned, a picture of an odd size has other pixels share a sample, and a 4:2:2 one another sampling: turn it whole.
  const whole = [...planar, ...toWire('yuv444p12'), ...turn];
  if (format === 'i420') return [...whole, ...shareChroma(shownOdd, 'yuv444p12')];
  return [
    ...whole,
    'scale=flags=accurate_rnd+full_chroma_int:in_color_matrix=bt601:in_range=full',
    'format=bgr24',
  ];
}

/** Makes frames of fields. Each line is mixed from the four above and below it, and frames that have no fields pass. */
function deinterlace({ interlaced, width, height }: Clip): string[] {
  return interlaced && Math.min(width, height) >= 8 ? ['bwdif=mode=send_frame:deint=interlaced'] : [];
}

/** Makes a picture smaller as it was asked for, or because its pixels are higher than wide. */
function reduce(clip: Clip): string[] {
  const odd: Both<boolean> = [clip.width % 2 === 1, clip.height % 2 === 1];
  const size = reduced(clip, isOnItsSide(clip) ? [odd[1], odd[0]] : odd);
  if (!size) return [];
  return [scale('area', ':in_range=full:out_range=full', size)];
}

/**
 * Brings every picture to one format without transparency and to square pixels, and cuts a side to an even length where
 * `even` says so. Costs nothing while the stream has all of it.
 *
 * A stream may change its format. Then each sample is one of the stream's, the one that covers the middle of its area:
 * what lies wholly under the border stays there. Where a last column or row has less than a whole sample of chroma it is cut
 * off, since `scale` would stretch that to a whole one.
 */
function unify(clip: Clip, pixelFormat: string, even: Both<boolean>, options = ''): string[] {
  const [sx, sy] = sharing(pixelFormat);
  const changed = `not(eq(hsub,${sx})*eq(vsub,${sy}))`;
  const excess = (side: 'iw' | 'ih', sub: 'hsub' | 'vsub', isEven: boolean) =>
    isEven ? `mod(${side},max(2,${changed}*${sub}))` : `${changed}*mod(${side},${sub})`;
  return [
    `crop=w='iw-${excess('iw', 'hsub', even[0])}':h='ih-${excess('ih', 'vsub', even[1])}':x=0:y=0:exact=1`,
    scale('neighbor', `:alphablend=uniform_color${options}`, { width: widened(clip), height: 'ih' }),
    `format=${pixelFormat}`,
  ];
}

/** Filters from one chroma sample a pixel, as JPEG has it, to I420. */
function shareChroma(odd: Both<boolean>, pixelFormat: string): string[] {
  return evenly(odd, pixelFormat, colorspace(JPEG.matrix, JPEG.range, 'yuv420p'));
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
function evenly(odd: Both<boolean>, pixelFormat: string, filter: string): string[] {
  if (!odd[0] && !odd[1]) return [filter];
  const extend = ([sx, sy]: Both<number>) => {
    // Samples that pixels share are enough for the doubled ones too.
    const [right, bottom] = [Number(odd[0] && sx === 1), Number(odd[1] && sy === 1)];
    const [w, h] = [right ? 'iw+mod(iw,2)' : 'iw', bottom ? 'ih+mod(ih,2)' : 'ih'];
    return `pad=w='${w}':h='${h}':x=0:y=0,fillborders=right=${right}:bottom=${bottom}:mode=smear`;
  };
  const shared = sharing(pixelFormat);
  const hasAlpha = pixelFormat.startsWith('yuva');
  return [
    hasAlpha
      ? `format=${pixelFormat},extractplanes=y+u+v+a[y][u][v][a]` +
        `;[y]${extend([1, 1])}[yy];[u]${extend(shared)}[uu];[v]${extend(shared)}[vv];[a]${extend([1, 1])}[aa]` +
        `;[yy][uu][vv][aa]mergeplanes=0x00102030:${pixelFormat}`
      : `format=${pixelFormat},extractplanes=y+u+v[y][u][v]` +
        `;[y]${extend([1, 1])}[yy];[u]${extend(shared)}[uu];[v]${extend(shared)}[vv]` +
        `;[yy][uu][vv]mergeplanes=0x001020:${pixelFormat.replace('yuvj', 'yuv')}`,
    filter,
    `crop=iw-${Number(odd[0])}:ih-${Number(odd[1])}:0:0:exact=1`,
  ];
}

/** How many pixels share a chroma sample in what `colorspace` takes, across and down. */
function sharing(pixelFormat: string): Both<number> {
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
