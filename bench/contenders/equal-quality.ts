import { statSync } from 'node:fs';
import { parseFrame } from '../../apps/common/frame.ts';
import { decode } from '../../apps/playback/decode.ts';
import { probe } from '../../apps/playback/probe.ts';
import { borderMask } from '../../apps/redactor/mask.ts';
import { JpegEncoder } from '../../apps/visualizer/jpeg.ts';
import { run } from '../clips.ts';
import { ffmpeg, type Peer } from './peers.ts';

const DEFAULT_QUALITY = 85;
/** Our qualities, from the largest JPEGs to the smallest. */
const OUR_QUALITIES = Array.from({ length: 40 }, (_, i) => 98 - i);
/** Frames that a setting is judged by: a clip's first second. */
const SAMPLE_FRAMES = 30;

/** A setting of a tool, and the mean size of its JPEGs. */
export interface Setting {
  quality: number;
  bytes: number;
}

/** Returns settings with which we and the peers make JPEGs of one size. */
export async function equalQuality(
  path: string,
  borderPx: number,
  peers: readonly Peer[],
): Promise<{ own: Setting; others: Map<Peer, Setting> }> {
  const sizeOfOurs = (quality: number) => ownJpegBytes(path, borderPx, quality);
  let own: Setting = { quality: DEFAULT_QUALITY, bytes: await sizeOfOurs(DEFAULT_QUALITY) };
  const others = new Map<Peer, Setting>();
  for (const peer of peers) {
    const found = await nearest(peer.qualities, own.bytes, quality =>
      peerJpegBytes(peer, path, borderPx, quality),
    );
    others.set(peer, found);
    // ffmpeg's steps are coarse and ours are fine, so we follow ffmpeg, and the next peer follows us.
    if (peer === ffmpeg) own = await nearest(OUR_QUALITIES, found.bytes, sizeOfOurs);
  }
  return { own, others };
}

/** Returns the setting whose size is nearest to the target, by halving; `qualities` go from the largest to the smallest. */
async function nearest(
  qualities: readonly number[],
  target: number,
  sizeAt: (quality: number) => Promise<number>,
): Promise<Setting> {
  let [low, high] = [0, qualities.length - 1];
  const tried: Setting[] = [];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const quality = qualities[middle]!;
    const bytes = await sizeAt(quality);
    tried.push({ quality, bytes });
    if (bytes > target) low = middle + 1;
    else high = middle - 1;
  }
  const distance = ({ bytes }: Setting) => Math.abs(Math.log(bytes / target));
  return tried.reduce((best, one) => (distance(one) < distance(best) ? one : best));
}

async function peerJpegBytes(peer: Peer, path: string, borderPx: number, quality: number): Promise<number> {
  const output = `${path}.jpegs`;
  const cut = `${path}.second.mp4`;
  const copy = ['-c', 'copy', '-frames:v', String(SAMPLE_FRAMES), cut];
  await run('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-i', path, ...copy]);
  const [command, ...args] = peer.command(cut, borderPx, quality, output);
  await run(command!, args);
  // The multipart envelope, a hundred bytes a frame, is counted too.
  return statSync(output).size / SAMPLE_FRAMES;
}

async function ownJpegBytes(path: string, borderPx: number, quality: number): Promise<number> {
  const found = await probe(path);
  const stop = new AbortController();
  using encoder = new JpegEncoder(quality);
  let bytes = 0;
  let frames = 0;
  for await (const { message } of decode(found, 'i420', stop.signal, { damaged: () => {} })) {
    const frame = parseFrame(message);
    if (!frame.ok) throw new Error(frame.detail);
    borderMask(frame, borderPx)(frame.pixels);
    bytes += (await encoder.encode(frame)).length;
    frames += 1;
    if (frames === SAMPLE_FRAMES) break;
  }
  return bytes / frames;
}
