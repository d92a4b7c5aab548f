import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, renameSync } from 'node:fs';

const SAMPLE = 'data/NOAA_GOES_17_satellite_imagery.mp4';
const FOLDER = 'build/bench/clips';
const RATE = 30;

export const SIZES = {
  '720p': [1280, 720],
  '1080p': [1920, 1080],
  '4K': [3840, 2160],
} as const;
export type Size = keyof typeof SIZES;

/**
 * `sample`: the clip of this repository, scaled to the size. `hard`: moving edges under noise that is new in every frame, at
 * some 15 times the sample's bit rate.
 */
export type Subject = 'sample' | 'hard';

/** Returns the path of a clip with this many frames, and makes it if it is not there. */
export async function clip(subject: Subject, size: Size, frames: number): Promise<string> {
  const path = `${FOLDER}/${subject}-${size}-${frames}.mp4`;
  if (existsSync(path)) return path;
  mkdirSync(FOLDER, { recursive: true });
  const [width, height] = SIZES[size];
  const input =
    subject === 'sample'
      ? ['-stream_loop', '-1', '-i', SAMPLE]
      : ['-f', 'lavfi', '-i', `testsrc2=size=${width}x${height}:rate=${RATE},noise=alls=10:allf=t`];
  const scale = subject === 'sample' ? ['-vf', `scale=${width}:${height}:flags=lanczos`] : [];
  const colour = ['-pix_fmt', 'yuv420p', '-colorspace', 'bt709', '-color_range', 'tv'];
  const encode = [...scale, ...colour, '-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20', '-g', '250'];
  const copy = subject === 'sample' && size === '1080p';
  const partial = `${path}.part`;
  await run('ffmpeg', [
    ...['-nostdin', '-v', 'error', '-y', ...input, '-an', ...(copy ? ['-c', 'copy'] : encode)],
    ...['-frames:v', String(frames), '-f', 'mp4', partial],
  ]);
  renameSync(partial, path);
  return path;
}

/** Runs a command to its end. @throws with the last line of its stderr if it fails */
export async function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', chunk => {
    errors = (errors + chunk).slice(-2000);
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${errors.trim().split('\n').at(-1)}`);
}

/** Returns the path of the same clip repeated this many times, without encoding it again. */
export async function looped(path: string, times: number): Promise<string> {
  const longer = path.replace('.mp4', `-x${times}.mp4`);
  if (existsSync(longer)) return longer;
  const partial = `${longer}.part`;
  const loop = ['-stream_loop', String(times - 1), '-i', path, '-c', 'copy', '-f', 'mp4', partial];
  await run('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...loop]);
  renameSync(partial, longer);
  return longer;
}
