import { spawnSync } from 'node:child_process';
import { processors } from './run.ts';

/** What an engineer would write instead: one command that reads a clip and writes JPEGs. */
export interface Peer {
  name: string;
  /** What to install if it is missing; undefined if it is there. */
  missing: string | undefined;
  /** Settings that `command` takes, from the largest JPEGs to the smallest. */
  qualities: readonly number[];
  /** Our aim: at least this many times its frames a second, at most this share of its CPU. */
  target?: { fps: number; cpu: number };
  command(path: string, borderPx: number, quality: number, output: string): string[];
  /** Returns a setting as the tool's users write it. */
  setting(quality: number): string;
}

/** The cheapest filter for these pixels, as cheap as `crop` with `pad`. */
export const ffmpeg = ffmpegWith(
  'ffmpeg',
  px => `fillborders=left=${px}:right=${px}:top=${px}:bottom=${px}:mode=fixed:color=black`,
);

/** The filter that comes to mind first. It visits every pixel of the picture. */
export const ffmpegDrawbox = ffmpegWith(
  'ffmpeg with drawbox',
  px => `drawbox=x=0:y=0:w=iw:h=ih:t=${px}:color=black`,
);

function ffmpegWith(name: string, filter: (borderPx: number) => string): Peer {
  return {
    name,
    missing: missing(['ffmpeg', '-version']) ? 'ffmpeg (apt-get install ffmpeg)' : undefined,
    qualities: [2, 3, 4, 5, 6, 7, 8],
    target: { fps: 1.6, cpu: 0.65 },
    command: (path, borderPx, quality, output) => [
      ...['ffmpeg', '-nostdin', '-v', 'error', '-y', '-i', path, '-an', '-vf', filter(borderPx)],
      ...['-c:v', 'mjpeg', '-q:v', String(quality), '-f', 'mjpeg', output],
    ],
    setting: quality => `-q:v ${quality}`,
  };
}

/**
 * Half the work on either side: decoding and the first box in one thread, the second box and the JPEG in another. With the
 * sample clip on two cores, no other place, nor two or four queues, gave more frames a second. With the hard clip, a queue
 * right after decoding gave a twelfth more.
 */
const QUEUE = '! queue max-size-buffers=4 max-size-bytes=0 max-size-time=0 ';

export const gstreamer = pipeline('GStreamer', QUEUE);

/** The pipeline that comes to mind first: one thread does everything after decoding. */
export const gstreamerUnqueued = pipeline('GStreamer without a queue', '');

function pipeline(name: string, queue: string): Peer {
  return {
    name,
    missing: ['qtdemux', 'h264parse', 'avdec_h264', 'videobox', 'jpegenc', 'multipartmux'].some(element =>
      missing(['gst-inspect-1.0', element]),
    )
      ? 'GStreamer (apt-get install gstreamer1.0-tools gstreamer1.0-libav gstreamer1.0-plugins-good gstreamer1.0-plugins-bad)'
      : undefined,
    qualities: Array.from({ length: 31 }, (_, i) => 98 - i),
    target: { fps: 1.5, cpu: 0.85 },
    command: (path, borderPx, quality, output) => {
      const border = (sign: string) =>
        ['left', 'top', 'right', 'bottom'].map(side => `${side}=${sign}${borderPx}`).join(' ');
      return `gst-launch-1.0 -q filesrc location=${path} ! qtdemux ! h264parse ! avdec_h264 ! videobox ${border('')} ${queue}! videobox ${border('-')} fill=black ! jpegenc quality=${quality} ! multipartmux ! filesink location=${output}`.split(
        ' ',
      );
    },
    setting: quality => `quality=${quality}`,
  };
}

/** ffmpeg comes first: the others are set to the quality that is found with it. */
export const PEERS: readonly Peer[] = [ffmpeg, ffmpegDrawbox, gstreamer, gstreamerUnqueued];

/** Not a peer: decodes as our own chain does, with as many threads, and drops the pictures. */
export const decoder: Peer = {
  name: 'decoder',
  missing: undefined,
  qualities: [],
  command: path => [
    ...['ffmpeg', '-nostdin', '-v', 'error', '-threads', String(processors + 1), '-i', path],
    ...['-an', '-fps_mode', 'passthrough', '-f', 'null', '-'],
  ],
  setting: () => '',
};

/** Returns whether a command is not there or does not work. */
function missing([command, ...args]: string[]): boolean {
  return spawnSync(command!, args, { stdio: 'ignore' }).status !== 0;
}
