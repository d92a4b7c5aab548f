/** What another program makes of our GIFs. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { encodeGif } from './gif.ts';
import { Palette } from './palette.ts';

const run = promisify(execFile);

/** The frames of a GIF as ffmpeg decodes them, red, green and blue, and how long it shows each, in ms. */
async function decode(parts: Uint8Array[]): Promise<{ pixels: Buffer; holdsMs: number[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'noaa-gif-'));
  try {
    const path = join(folder, 'loop.gif');
    await writeFile(path, Buffer.concat(parts));
    const raw = ['-fps_mode', 'passthrough', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'];
    const { stdout: pixels } = await run('ffmpeg', ['-loglevel', 'error', '-i', path, ...raw], {
      encoding: 'buffer',
      maxBuffer: 1 << 26,
    });
    const show = ['-show_entries', 'packet=duration_time', '-of', 'csv=p=0'];
    const { stdout } = await run('ffprobe', ['-loglevel', 'error', ...show, path]);
    const holdsMs = stdout
      .trim()
      .split('\n')
      .map(line => Math.round(parseFloat(line) * 1000));
    return { pixels, holdsMs };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Grey noise, which fills the table of codes again and again, and flat parts, which make long codes. */
function picture(width: number, height: number, seed: number): Uint8ClampedArray {
  const rgba = new Uint8ClampedArray(width * height * 4);
  let random = seed;
  for (let i = 0; i < rgba.length; i += 4) {
    random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
    const grey = i < rgba.length / 2 ? random >> 23 : 90;
    rgba.set([grey, grey, grey, 255], i);
  }
  return rgba;
}

test('grey pictures come out as they went in, each for as long as it was shown', async () => {
  const [width, height] = [211, 97];
  const pictures = [1, 2, 3].map(seed => picture(width, height, seed));
  const palette = new Palette(pictures);
  const indexed = pictures.map(rgba => palette.apply(rgba));
  const round = [0, 1, 2, 1].map((index, i) => ({
    pixels: indexed[index]!,
    holdMs: [700, 250, 1500, 31.25][i]!,
  }));
  const { pixels, holdsMs } = await decode(encodeGif(width, height, palette.colours, round));
  assert.deepEqual(holdsMs, [700, 250, 1500, 30]);
  for (const [i, index] of [0, 1, 2, 1].entries()) {
    const shown = pixels.subarray(i * width * height * 3, (i + 1) * width * height * 3);
    const wanted = Buffer.from(pictures[index]!.filter((_, at) => at % 4 < 3));
    assert.ok(shown.equals(wanted), `frame ${i}`);
  }
});

test('a fast loop keeps its time over the round, though a GIF counts in 10 ms', async () => {
  const pixels = new Uint8Array(4);
  const round = Array.from({ length: 16 }, () => ({ pixels, holdMs: 31.25 }));
  const { holdsMs } = await decode(encodeGif(2, 2, new Uint8Array(768), round));
  assert.equal(
    holdsMs.reduce((sum, ms) => sum + ms, 0),
    500,
  );
  assert.ok(
    holdsMs.every(ms => ms === 30 || ms === 40),
    `${holdsMs}`,
  );
});

test('a picture with colours keeps them nearly, and its greys', () => {
  const colours = [
    [255, 0, 0],
    [0, 140, 255],
    [250, 250, 40],
    [128, 128, 128],
    [3, 3, 3],
  ];
  const rgba = new Uint8ClampedArray(4000);
  for (let i = 0; i < 1000; i++) rgba.set([...colours[i % 5]!, 255], 4 * i);
  const palette = new Palette([rgba]);
  const indexes = palette.apply(rgba);
  for (const [i, colour] of colours.entries()) {
    const shown = palette.colours.subarray(3 * indexes[i]!, 3 * indexes[i]! + 3);
    for (const [channel, value] of colour.entries())
      assert.ok(Math.abs(shown[channel]! - value) <= 8, `${shown}, not ${colour}`);
  }
});
