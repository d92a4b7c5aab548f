import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { FrameLayout, parseFrame } from '../apps/common/frame.ts';
import { decode } from '../apps/playback/decode.ts';
import { probe } from '../apps/playback/probe.ts';
import { borderMask } from '../apps/redactor/mask.ts';
import { JpegEncoder } from '../apps/visualizer/jpeg.ts';
import { processors, type Run } from './chain.ts';
import { run } from './clips.ts';
import { endDescendants } from './descendants.ts';
import { roundLimitMs } from './part.ts';
import { childrenOf, machineBusyMs, Watch } from './proc.ts';
import { sum } from './statistics.ts';

/** What an engineer would write instead, as one command that reads a clip and writes JPEGs. */
export interface Peer {
  name: string;
  /** What to install where it is missing; undefined where it is there. */
  missing: string | undefined;
  /** Settings that `command` takes, from the largest JPEGs to the smallest. */
  qualities: readonly number[];
  /** What of its figures we are to reach: at least so many times its frames a second, at most so much of its CPU. */
  target?: { fps: number; cpu: number };
  command(path: string, borderPx: number, quality: number, output: string): string[];
  /** How its setting is written. */
  setting(quality: number): string;
}

/** Of the filters that give these pixels the cheapest, with `crop` and `pad`. */
export const ffmpeg = ffmpegWith(
  'ffmpeg',
  px => `fillborders=left=${px}:right=${px}:top=${px}:bottom=${px}:mode=fixed:color=black`,
);

/** The filter that comes to mind first: it looks at every pixel of the picture. */
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
 * Half the work on either side: decoding and the first box in the decoder's thread, the second and the JPEG in another. Of
 * the sample clip no other place, nor two or four of them, gave more frames a second on two cores; of the hard one a queue
 * right after decoding gave a twelfth more.
 */
const QUEUE = '! queue max-size-buffers=4 max-size-bytes=0 max-size-time=0 ';

export const gstreamer = pipeline('GStreamer', QUEUE);

/** The line that comes to mind first: all that follows decoding is one thread's. */
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

/** In this order: each that follows ffmpeg is set to the quality that was found with it. */
export const PEERS: readonly Peer[] = [ffmpeg, ffmpegDrawbox, gstreamer, gstreamerUnqueued];

/** No peer: what decoding alone takes of ours, with as many threads and nothing made of the pictures. */
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

/** Whether a command is not there or does not work, asked once. */
function missing([command, ...args]: string[]): boolean {
  return spawnSync(command!, args, { stdio: 'ignore' }).status !== 0;
}

/** Runs a peer over a clip of so many frames, to its end. */
export async function runPeer(
  peer: Peer,
  path: string,
  frames: number,
  borderPx: number,
  quality: number,
): Promise<Run> {
  const [command, ...args] = peer.command(path, borderPx, quality, '/dev/null');
  const busyBefore = machineBusyMs();
  const startMs = performance.now();
  // A shell with one child to wait for: what `times` says is that child's, to its very end.
  const child = spawn('sh', ['-c', '"$@"; code=$?; times >&3; exit $code', 'sh', command!, ...args], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  let times = '';
  child.stdio[3]!.on('data', chunk => {
    times += chunk;
  });
  using seen = new Watch(() => childrenOf(child.pid!), 50);
  const limitMs = roundLimitMs(frames);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    endDescendants(child.pid!);
  }, limitMs);
  const [code] = await once(child, 'close');
  clearTimeout(timer);
  if (late)
    throw new Error(`${peer.name} did not end within ${limitMs / 1000} s: ${command} ${args.join(' ')}`);
  const seconds = (performance.now() - startMs) / 1000;
  const busyMs = machineBusyMs() - busyBefore;
  if (code !== 0) throw new Error(`${peer.name} ended with ${code}: ${command} ${args.join(' ')}`);
  const cpuMs = sum(
    [...times.split('\n')[1]!.matchAll(/(\d+)m([\d.]+)s/g)].map(
      ([, minutes, rest]) => 60_000 * Number(minutes) + 1000 * Number(rest),
    ),
  );
  const peakKb = Math.max(0, ...[...seen.seen.values()].map(usage => usage.peakKb));
  return {
    frames,
    lost: 0,
    seconds,
    jpegBytes: Number.NaN,
    cpuMs,
    cpuByProcess: { [peer.name]: cpuMs },
    cpuByThread: {},
    peakMb: { [peer.name]: peakKb / 1024 },
    others: Math.max(0, busyMs - cpuMs) / (seconds * 1000 * processors),
  };
}

/** Frames that a setting is judged by. */
const SAMPLE_FRAMES = 30;

/** Bytes of a mean JPEG that a peer makes of a clip's first second. */
export async function peerJpegBytes(
  peer: Peer,
  path: string,
  borderPx: number,
  quality: number,
): Promise<number> {
  const output = `${path}.jpegs`;
  const cut = `${path}.second.mp4`;
  await run('ffmpeg', [
    '-nostdin',
    '-v',
    'error',
    '-y',
    '-i',
    path,
    '-c',
    'copy',
    '-frames:v',
    String(SAMPLE_FRAMES),
    cut,
  ]);
  const [command, ...args] = peer.command(cut, borderPx, quality, output);
  await run(command!, args);
  // The multipart envelope is a hundred bytes a frame and left in.
  return statSync(output).size / SAMPLE_FRAMES;
}

/** Bytes of a mean JPEG that our own chain makes of a clip's first second. */
export async function ownJpegBytes(path: string, borderPx: number, quality: number): Promise<number> {
  const found = await probe(path);
  const stop = new AbortController();
  using encoder = new JpegEncoder(quality);
  let bytes = 0;
  let frames = 0;
  const layout = new FrameLayout('i420', found.width, found.height);
  for await (const { message } of decode(found, layout, stop.signal, { damaged: () => {} })) {
    const frame = parseFrame(message);
    if (!frame.ok) throw new Error(frame.detail);
    borderMask(frame, borderPx)(frame.pixels);
    bytes += (await encoder.encode(frame)).length;
    frames += 1;
    if (frames === SAMPLE_FRAMES) break;
  }
  return bytes / frames;
}
