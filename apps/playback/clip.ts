import { Fault } from '../common/errors.ts';
import { isGeometry, MAX_PIXELS, MAX_SIDE } from '../common/pixels.ts';

/** What ffprobe says, as far as we read it. Everything in it comes out of the file and is not trusted. */
export interface ProbedStream {
  disposition?: Record<'attached_pic' | 'timed_thumbnails', number>;
  side_data_list?: Record<string, unknown>[];
  [field: string]: unknown;
}
export type ProbedFormat = Record<string, unknown>;

/** How decoded pictures are to be turned for display, as ffmpeg's filters name it. */
export type Turn = 'none' | 'hflip' | 'vflip' | 'half' | 'clock' | 'cclock' | 'clock_flip' | 'cclock_flip';

/** The facts of a clip that decoding needs. */
export interface Clip {
  path: string;
  streamIndex: number;
  /** As displayed: after the turn. */
  width: number;
  height: number;
  turn: Turn;
  pixelFormat: string;
  /** ffmpeg's name of the YUV matrix; `gbr` where there is none. */
  matrix: string;
  fullRange: boolean;
  /** Nominal time between two frames, for a last frame and for streams without timestamps. */
  intervalUs: number;
  /** Undefined where the container does not tell. */
  durationUs: number | undefined;
  /** When the last frame has stood its time. Only of a GIF, where that is often long and the end is certain. */
  endUs: number | undefined;
}

const DEFAULT_INTERVAL_US = 1e6 / 30;
const MATRICES = new Set(['bt709', 'fcc', 'bt470bg', 'smpte170m', 'smpte240m', 'ycgco', 'bt2020nc', 'gbr']);

/**
 * Picks the picture out of what ffprobe found and checks it.
 *
 * @throws Fault `bad-clip`
 */
export function readClip(path: string, streams: ProbedStream[], format: ProbedFormat): Clip {
  const video = streams.find(
    // A cover picture of an audio file is a video stream too.
    ({ codec_type: type, disposition }) =>
      type === 'video' && !disposition?.attached_pic && !disposition?.timed_thumbnails,
  );
  if (!video) {
    const held =
      streams.map(stream => String(stream['codec_type'])).join(', ') || 'nothing that can be played';
    throw new Fault(
      'bad-clip',
      `DATA_FILE ${path} has no video in it (found: ${held}); set it to a video file`,
    );
  }
  if ((video['codec_name'] ?? 'unknown') === 'unknown') {
    throw new Fault(
      'bad-clip',
      `DATA_FILE ${path} holds video that this ffmpeg cannot decode; convert it to H.264`,
    );
  }
  const turn = turnOf(video);
  const coded = { width: Number(video['width']), height: Number(video['height']) };
  const { width, height } = turn.includes('clock') ? { width: coded.height, height: coded.width } : coded;
  if (!isGeometry(width, height)) {
    throw new Fault(
      'bad-clip',
      `DATA_FILE ${path} says its picture is ${width}×${height}; what plays is 1×1 to ${MAX_SIDE}×${MAX_SIDE} and ${MAX_PIXELS} pixels; set it to a smaller one`,
    );
  }
  const pixelFormat = String(video['pix_fmt'] ?? 'unknown');
  const ownDurationUs = positive(Number(video['duration']) * 1e6);
  return {
    path,
    streamIndex: Number(video['index']),
    width,
    height,
    turn,
    pixelFormat,
    matrix: matrixOf(String(video['color_space'] ?? 'unknown'), pixelFormat, coded),
    // The "j" formats are ffmpeg's older way to say full range.
    fullRange: video['color_range'] === 'pc' || /^(yuvj|mono)/.test(pixelFormat),
    intervalUs: intervalOf(video),
    durationUs: ownDurationUs ?? positive(Number(format['duration']) * 1e6),
    endUs: video['codec_name'] === 'gif' ? ownDurationUs : undefined,
  };
}

/**
 * Reads the container's display matrix: rows of numbers of which the upper left four say where x and y go.
 * An angle that is no multiple of 90° becomes the nearest one.
 */
function turnOf({ side_data_list: sideData = [] }: ProbedStream): Turn {
  const text = sideData.map(data => data['displaymatrix']).find(matrix => typeof matrix === 'string') ?? '';
  const cells = text.split('\n').flatMap(row => row.split(':')[1]?.trim().split(/\s+/).map(Number) ?? []);
  const [xx = 1, xy = 0, , yx = 0, yy = 1] = cells;
  if (Math.abs(xy) > Math.abs(xx)) {
    if (xy > 0) return yx < 0 ? 'clock' : 'cclock_flip';
    return yx < 0 ? 'clock_flip' : 'cclock';
  }
  if (xx < 0) return yy < 0 ? 'half' : 'hflip';
  return yy < 0 ? 'vflip' : 'none';
}

function matrixOf(
  tag: string,
  pixelFormat: string,
  { width, height }: { width: number; height: number },
): string {
  if (/^(gbr|rgb|bgr|argb|abgr|pal8|0rgb|0bgr|x2rgb)/.test(pixelFormat)) return 'gbr';
  if (MATRICES.has(tag) && tag !== 'gbr') return tag;
  if (tag === 'bt2020c') return 'bt2020nc';
  // Untagged: what players do (mpv's rule). HD is BT.709, smaller is BT.601.
  return width >= 1280 || height > 576 ? 'bt709' : 'smpte170m';
}

function intervalOf(video: ProbedStream): number {
  for (const field of ['avg_frame_rate', 'r_frame_rate']) {
    const [frames, seconds] = String(video[field]).split('/').map(Number);
    const interval = positive((1e6 * (seconds ?? 1)) / (frames ?? 0));
    // Outside 0.001 to 1000 frames a second a rate is the container's invention.
    if (interval && interval >= 1e3 && interval <= 1e9) return interval;
  }
  return DEFAULT_INTERVAL_US;
}

function positive(value: number): number | undefined {
  return Number.isFinite(value) && value > 0 ? value : undefined;
}
