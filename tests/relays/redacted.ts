import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { SentPicture } from './answers.ts';

/** JPEG smears an edge over a block of chroma at most. */
const SMEARED_PX = 16;
const BLACK = 24;

/** Returns what is wrong with pictures of which a border of `border` pixels must be covered, and how many differ. */
export async function lookAt(
  pictures: readonly SentPicture[],
  { width, height, border }: { width: number; height: number; border: number },
): Promise<{ different: number; faults: string[] }> {
  const faults = pictures.flatMap(({ headers }) =>
    headers.get('x-redacted') === '1' ? [] : [`picture ${headers.get('x-sequence')} is not marked`],
  );
  const different = [
    ...new Map(pictures.map(({ jpeg }) => [createHash('sha256').update(jpeg).digest('hex'), jpeg])).values(),
  ];
  const luma = await decode(different);
  const size = width * height;
  if (luma.length !== different.length * size)
    faults.push(`${different.length} pictures decode to ${luma.length / size} of ${width}×${height}`);
  const sure = border - SMEARED_PX;
  for (let picture = 0; picture * size < luma.length; picture += 1) {
    const brightest = brightestOfBorder(
      luma.subarray(picture * size, (picture + 1) * size),
      width,
      height,
      sure,
    );
    if (brightest > BLACK) faults.push(`a picture has ${brightest} in its border`);
  }
  return { different: different.length, faults };
}

function brightestOfBorder(luma: Buffer, width: number, height: number, border: number): number {
  let most = 0;
  for (let y = 0; y < height; y += 1) {
    const isEdge = y < border || y >= height - border;
    const row = luma.subarray(y * width, (y + 1) * width);
    for (const span of isEdge ? [row] : [row.subarray(0, border), row.subarray(width - border)])
      for (const value of span) if (value > most) most = value;
  }
  return most;
}

/** Returns the luma of all pictures, one after the other. */
async function decode(jpegs: readonly Buffer[]): Promise<Buffer> {
  if (jpegs.length === 0) return Buffer.alloc(0);
  const child = spawn(
    'ffmpeg',
    [
      ...['-v', 'error', '-f', 'mjpeg', '-i', 'pipe:0', '-fps_mode', 'passthrough'],
      ...['-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1'],
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  child.stdin.on('error', () => {}).end(Buffer.concat(jpegs));
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
