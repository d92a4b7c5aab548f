/** Tiny clips that ffmpeg makes for one test. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** What makes clips; playback may be tested with another ffmpeg, which makes none. */
const MAKER = process.env['CLIP_FFMPEG'] ?? 'ffmpeg';
const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast'];

/** Runs ffmpeg. @throws with its stderr if it fails */
export async function ffmpeg(...args: string[]): Promise<void> {
  await run(MAKER, ['-hide_banner', '-loglevel', 'error', '-nostdin', '-y', ...args]);
}

/** Makes a folder that is deleted after the test. */
export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'noaa-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Writes a clip of ffmpeg's moving test picture, changed by `filters`. */
export async function makeClip(
  path: string,
  { size = '320x240', seconds = 2, fps = 30, filters = 'null', output = X264 } = {},
): Promise<string> {
  await ffmpeg(
    ...['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${fps}:duration=${seconds}`, '-vf', filters],
    ...['-pix_fmt', 'yuv420p', ...output, path],
  );
  return path;
}

/** Returns the size of a clip's pictures. */
export async function shapeOf(path: string): Promise<{ width: number; height: number }> {
  const asked = ['-v', 'error', '-of', 'json', '-show_entries', 'stream=width,height', path];
  const { stdout } = await run('ffprobe', asked);
  const [{ width, height }] = JSON.parse(stdout).streams;
  return { width, height };
}

export interface RawPictures {
  pixelFormat: string;
  width: number;
  height: number;
  /** Planes of one or more pictures, as ffmpeg lays them out. */
  pixels: Uint8Array;
}

/** Encodes raw pictures without loss, with ffmpeg's names for the tags; a tag that is not given is not written. */
export async function encodeRaw(
  path: string,
  { pixelFormat, width, height, pixels }: RawPictures,
  tags: { matrix?: string; range?: 'tv' | 'pc'; sampleAspect?: string } = {},
  output = ['-c:v', 'ffv1'],
): Promise<void> {
  const filters = [
    tags.matrix && `setparams=colorspace=${tags.matrix}`,
    tags.range && `setparams=range=${tags.range}`,
    tags.sampleAspect && `setsar=${tags.sampleAspect}`,
  ];
  // Otherwise ffmpeg 7.1 converts to limited range.
  const range = tags.range ? ['-color_range', tags.range] : [];
  const raw = `${path}.raw`;
  await writeFile(raw, pixels);
  await ffmpeg(
    ...['-f', 'rawvideo', '-pix_fmt', pixelFormat, '-s', `${width}x${height}`, '-framerate', '25', '-i', raw],
    ...['-vf', filters.filter(Boolean).join() || 'null', '-pix_fmt', pixelFormat, ...range, ...output, path],
  );
  await rm(raw);
}

/**
 * Writes a display matrix into an mp4's only video track, instead of the identity that ffmpeg wrote.
 *
 * @param matrix the upper left four: where x goes, where y goes, as ISO 14496-12 has them
 */
export async function setDisplayMatrix(
  path: string,
  [a, b, c, d]: [number, number, number, number],
): Promise<void> {
  const bytes = await readFile(path);
  const header = bytes.indexOf('tkhd');
  const version = bytes.readUInt8(header + 4);
  const at = header + 8 + (version === 0 ? 20 : 32) + 16;
  for (const [index, value] of [a, b, 0, c, d].entries()) bytes.writeInt32BE(value * 65536, at + 4 * index);
  await writeFile(path, bytes);
}

/** Makes a folder for the front of PATH in which these programs hang for ever. */
export async function hangingPrograms(folder: string, ...names: string[]): Promise<void> {
  await mkdir(folder);
  for (const name of names)
    await writeFile(join(folder, name), '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 });
}
