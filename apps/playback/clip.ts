import { Fault } from '../common/errors.ts';
import { isGeometry, MAX_PIXELS, MAX_SIDE } from '../common/pixels.ts';
import { type Crop, sensible } from './crop.ts';
import {
  displayedSize,
  halvingsFor,
  limitAspect,
  type Shape,
  sampleAspectOf,
  turnOf,
  type WantedSize,
} from './shape.ts';

/** What ffprobe reports, as far as we read it. Everything in it comes out of the file and is not trusted. */
export interface ProbedStream {
  disposition?: Partial<Record<'default' | 'attached_pic' | 'timed_thumbnails' | 'still_image', number>>;
  side_data_list?: Record<string, unknown>[];
  tags?: Record<string, unknown>;
  [field: string]: unknown;
}
export type ProbedFormat = Record<string, unknown>;

/** What the operator asked of the picture. */
export interface Wishes {
  size?: WantedSize | undefined;
  /** Whether interlaced clips are deinterlaced; yes if not given. */
  deinterlace?: boolean | undefined;
}

/** The facts of a clip that decoding needs. */
export interface Clip extends Shape {
  path: string;
  streamIndex: number;
  /** A decoder by name, where ffmpeg's own choice would ignore a part of the picture. */
  decoder: string | undefined;
  /** ffmpeg's name. */
  codec: string;
  /** As coded, before anything below is done to it. */
  codedWidth: number;
  codedHeight: number;
  /** As displayed. */
  width: number;
  height: number;
  /** What the container leaves out of the decoded picture. */
  crop: Crop | undefined;
  /** To be deinterlaced. */
  interlaced: boolean;
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

const UNCROPPED: Crop = { left: 0, top: 0, right: 0, bottom: 0 };

/** Most halvings that ffmpeg's JPEG decoder does. */
const JPEG_HALVINGS = 3;

/**
 * Picks the stream that is played: one marked as the default, else the largest, and a still picture only where nothing
 * moves.
 *
 * @throws Fault `bad-clip` where none is video that can be decoded
 */
export function pickVideo(path: string, streams: ProbedStream[]): ProbedStream {
  const videos = streams.filter(
    // A cover picture of an audio file is a video stream too.
    ({ codec_type: type, disposition }) =>
      type === 'video' && !disposition?.attached_pic && !disposition?.timed_thumbnails,
  );
  const isKnown = ({ codec_name: codec }: ProbedStream) => (codec ?? 'unknown') !== 'unknown';
  const isStill = (stream: ProbedStream) => stream['nb_frames'] === '1' || !!stream.disposition?.still_image;
  const pixels = (stream: ProbedStream) => Number(stream['width']) * Number(stream['height']) || 0;
  const ranks = [isKnown, (stream: ProbedStream) => !isStill(stream), isDefault, pixels];
  // `toSorted` keeps the order of equals: the first one wins.
  const [video] = videos.toSorted((a, b) => {
    for (const rank of ranks) {
      const difference = Number(rank(b)) - Number(rank(a));
      if (difference !== 0) return difference;
    }
    return 0;
  });
  if (!video) {
    const kind = ({ codec_type: type }: ProbedStream) =>
      type === 'video' ? 'a cover picture' : String(type);
    const held = streams.map(kind).join(', ') || 'nothing that can be played';
    throw new Fault(
      'bad-clip',
      `DATA_FILE ${path} has no video in it (found: ${held}); set it to a video file`,
    );
  }
  if (!isKnown(video)) {
    throw new Fault(
      'bad-clip',
      `DATA_FILE ${path} holds video that this ffmpeg cannot decode; convert it to H.264`,
    );
  }
  return video;
}

function isDefault({ disposition }: ProbedStream): boolean {
  return !!disposition?.default;
}

/** Returns how the container crops, if this ffmpeg knows of it. */
export function reportedCrop({ side_data_list: list, width, height }: ProbedStream): Crop | undefined {
  const data = list?.find(({ side_data_type: type }) => type === 'Frame Cropping');
  if (!data) return undefined;
  const side = (name: string) => Number(data[`crop_${name}`]);
  const crop = { left: side('left'), top: side('top'), right: side('right'), bottom: side('bottom') };
  return sensible({ ...crop, isKnownToFfmpeg: true }, { width: Number(width), height: Number(height) });
}

/**
 * Reads what decoding needs out of what ffprobe found, and checks it.
 *
 * @param first the stream's first picture, which may know what its container does not
 * @param crop how the container crops
 * @throws Fault `bad-clip`
 */
export function readClip(
  path: string,
  video: ProbedStream,
  format: ProbedFormat,
  first: ProbedStream = {},
  { size, deinterlace = true }: Wishes = {},
  crop?: Crop,
): Clip {
  const coded = { width: Number(video['width']), height: Number(video['height']) };
  const { left, top, right, bottom } = crop ?? UNCROPPED;
  const cropped = { width: coded.width - left - right, height: coded.height - top - bottom };
  const isWhole = cropped.width === coded.width && cropped.height === coded.height;
  const sampleAspect =
    crop?.sampleAspect === undefined ? sampleAspectOf(video) : limitAspect(crop.sampleAspect);
  const shape = { turn: turnOf(video, first), sampleAspect, wanted: size };
  // What is cropped is counted in whole pixels.
  const isHalved = video['codec_name'] === 'mjpeg' && isWhole;
  const halvings = isHalved ? halvingsFor(coded, shape, JPEG_HALVINGS) : 0;
  const { width, height } = displayedSize(cropped, { ...shape, halvings });
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
    decoder: decoderOf(video),
    codec: String(video['codec_name']),
    codedWidth: coded.width,
    codedHeight: coded.height,
    width,
    height,
    crop,
    ...shape,
    halvings,
    interlaced: deinterlace && isInterlaced(video, first),
    pixelFormat,
    matrix: matrixOf(String(video['color_space'] ?? 'unknown'), pixelFormat, coded),
    fullRange: isFullRange(video['color_range'], pixelFormat),
    intervalUs: intervalOf(video),
    durationUs: ownDurationUs ?? positive(Number(format['duration']) * 1e6),
    endUs: video['codec_name'] === 'gif' ? ownDurationUs : undefined,
  };
}

/** Returns the decoder that knows of the transparency in VP8 and VP9, if the clip has some. */
function decoderOf({ codec_name: codec, tags }: ProbedStream): string | undefined {
  if (String(tags?.['alpha_mode'] ?? tags?.['ALPHA_MODE']) !== '1') return undefined;
  return codec === 'vp9' ? 'libvpx-vp9' : codec === 'vp8' ? 'libvpx' : undefined;
}

/** By the first picture, since a stream may claim it of none and have some; else by the stream. */
function isInterlaced(video: ProbedStream, first: ProbedStream): boolean {
  return first['interlaced_frame'] === 1 || /^(tt|bb|tb|bt)$/.test(String(video['field_order']));
}

function isFullRange(tag: unknown, pixelFormat: string): boolean {
  if (tag === 'pc') return true;
  // The "j" formats are ffmpeg's older way to say full range, and `mono` has no other.
  if (/^(yuvj|mono)/.test(pixelFormat)) return true;
  // Nobody limits grey without a tag: players take it for full.
  return /^(gray|ya)/.test(pixelFormat) && tag !== 'tv';
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
