import type { WireFormat } from '../common/frame.ts';
import type { Clip } from './clip.ts';

/** Formats that ffmpeg's `colorspace` filter takes as they are. */
const COLORSPACE_FORMATS = [420, 422, 444]
  .flatMap(chroma => [`yuv${chroma}p`, `yuv${chroma}p10`, `yuv${chroma}p12`, `yuvj${chroma}p`])
  .join('|');

/**
 * The filters that turn a clip's frames into one wire format, of one size whatever happens inside the clip.
 *
 * I420 is made by `colorspace` and not by `scale`: it converts matrix, range and depth in one pass of 16-bit integers,
 * and where chroma must be made smaller it averages exactly the 2×2 pixels that share a sample. `scale` would let a
 * pixel under the border colour one outside it. Transfer and primaries are named alike on both sides, so nothing
 * but the matrix, the range and the sampling changes; what they are called is then of no consequence.
 */
export function colourFilters(clip: Clip, format: WireFormat): string[] {
  // Costs nothing while the size stays: a stream that changes its size must not change the frames'.
  const size = `scale=w=${clip.width}:h=${clip.height}:flags=bilinear+accurate_rnd`;
  const range = clip.fullRange ? 'full' : 'limited';
  if (format !== 'i420') {
    const input =
      clip.matrix === 'gbr' ? '' : `:in_color_matrix=${swscaleMatrix(clip.matrix)}:in_range=${range}`;
    return [`${size}+full_chroma_int+full_chroma_inp${input}`, 'format=bgr24'];
  }
  const same = 'itrc=bt709:trc=bt709:iprimaries=bt709:primaries=bt709';
  const output = 'space=bt470bg:range=pc:format=yuv420p';
  if (clip.matrix === 'gbr') {
    const toYuv = `${size}:out_color_matrix=bt601:out_range=full`;
    return [toYuv, 'format=yuv444p', `colorspace=ispace=bt470bg:irange=pc:${same}:${output}`];
  }
  const input = `ispace=${clip.matrix}:irange=${clip.fullRange ? 'pc' : 'tv'}`;
  return [size, `format=${COLORSPACE_FORMATS}`, `colorspace=${input}:${same}:${output}`];
}

/** The name that the `scale` filter has for a matrix. */
function swscaleMatrix(matrix: string): string {
  return { bt470bg: 'bt601', smpte170m: 'bt601', bt2020nc: 'bt2020' }[matrix] ?? matrix;
}
