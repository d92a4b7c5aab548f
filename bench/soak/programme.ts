import { copyFileSync, mkdirSync, renameSync, truncateSync } from 'node:fs';
import { run } from '../clips.ts';

const FOLDER = 'build/bench/soak';
const CLIP_SECONDS = 12;

/** What plays in turn: another clip, another size, and once a file that is cut in the middle. */
const CLIPS = [
  { size: '640x360', picture: 'testsrc2', isCut: false },
  { size: '320x240', picture: 'testsrc2', isCut: false },
  { size: '640x360', picture: 'mandelbrot', isCut: false },
  { size: '854x480', picture: 'testsrc2', isCut: true },
] as const;

/** Seconds that each clip plays. */
export const CLIP_TURN_S = 60;
/** Seconds until it all begins again. */
export const ROUND_S = CLIPS.length * CLIP_TURN_S;

/** A file that is replaced by the next clip whenever that is due. */
export class Programme {
  readonly path = `${FOLDER}/on-air.mp4`;
  #turn = 0;

  /** Makes the clips, and puts the first one on air. */
  async prepare(fps: number): Promise<void> {
    mkdirSync(FOLDER, { recursive: true });
    for (const [i, { size, picture, isCut }] of CLIPS.entries()) {
      const input = `${picture}=size=${size}:rate=${fps}`;
      await run('ffmpeg', [
        ...['-nostdin', '-v', 'error', '-y', '-f', 'lavfi', '-i', input, '-t', String(CLIP_SECONDS)],
        ...['-pix_fmt', 'yuv420p', '-c:v', 'libx264', '-preset', 'veryfast', '-g', '30'],
        // The index first, so that a cut file still opens.
        ...['-movflags', '+faststart', `${FOLDER}/${i}.mp4`],
      ]);
      if (isCut) truncateSync(`${FOLDER}/${i}.mp4`, 100_000);
    }
    this.next();
  }

  /** Puts the next clip on air, as an operator does who renames a new file over the old one. */
  next(): void {
    const clip = `${FOLDER}/${this.#turn % CLIPS.length}.mp4`;
    copyFileSync(clip, `${this.path}.new`);
    renameSync(`${this.path}.new`, this.path);
    this.#turn += 1;
  }
}
