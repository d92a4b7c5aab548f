/** Stills that something overwrites, and folders of pictures. */
import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ffmpeg, temporaryFolder } from './support/clips.ts';
import { decodeJpeg } from './support/jpeg.ts';
import { metric, startChain } from './support/services.ts';
import { events } from './support/streams.ts';
import { until } from './support/until.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
before(async () => {
  folder = await temporaryFolder();
});
after(() => folder[Symbol.asyncDispose]());

type Chain = Awaited<ReturnType<typeof startChain>>;
const NO_BORDER = { REDACT_WIDTH: 1 };

/** A picture of one colour. */
const paint = (path: string, colour: string, size = '320x240') =>
  ffmpeg('-f', 'lavfi', '-i', `color=${colour}:s=${size}`, '-frames:v', '1', ...codecOf(path), path);
const codecOf = (path: string) => (path.endsWith('webp') ? ['-c:v', 'libwebp'] : []);

/** The colour in the middle of what viewers see, as the name that `paint` takes; undefined while there is no picture. */
async function seen({ web }: Chain): Promise<string | undefined> {
  const response = await fetch(`${web}/snapshot.jpg`);
  if (response.status !== 200) return undefined;
  const { width, height, rgba } = await decodeJpeg(Buffer.from(await response.arrayBuffer()));
  const at = 4 * (Math.floor(height / 2) * width + Math.floor(width / 2));
  const [red, green, blue] = [rgba[at]! > 120, rgba[at + 1]! > 90, rgba[at + 2]! > 120];
  const names: Record<string, string> = {
    '100': 'red',
    '010': 'green',
    '001': 'blue',
    '111': 'white',
    '000': 'black',
  };
  return names[[red, green, blue].map(Number).join('')];
}
const sees = (chain: Chain, colour: string) => until(async () => (await seen(chain)) === colour, colour);

for (const extension of ['jpg', 'png', 'webp', 'tiff', 'gif']) {
  test(`a still that is overwritten is taken up within two seconds: ${extension}`, async () => {
    const file = `${folder.path}/latest.${extension}`;
    const next = `${folder.path}/next.${extension}`;
    await paint(file, 'red');
    await paint(next, 'blue');
    await using chain = await startChain({ DATA_FILE: file, ...NO_BORDER });
    await sees(chain, 'red');
    const writtenMs = performance.now();
    await copyFile(next, file);
    await sees(chain, 'blue');
    const tookMs = performance.now() - writtenMs;
    // The promise is two seconds; the rest is for a machine that has other things to do.
    assert.ok(tookMs < 3000, `${tookMs} ms`);
    await sleep(2500);
    assert.equal(((await (await fetch(`${chain.web}/status`)).json()) as { state: string }).state, 'live');
  });
}

test('a still may be large and have any name', async () => {
  // In both cases ffmpeg would take its name for a pattern, or guess by it.
  for (const name of ['photo.jpg', 'a%03d.jpg', 'x[1]*.png', 'no-extension']) {
    const file = `${folder.path}/${name}`;
    await ffmpeg(
      '-f',
      'lavfi',
      '-i',
      'color=red:s=640x480,noise=alls=30',
      '-frames:v',
      '1',
      `${folder.path}/large.jpg`,
    );
    await rename(`${folder.path}/large.jpg`, file);
    await using chain = await startChain({ DATA_FILE: file, ...NO_BORDER });
    await sees(chain, 'red');
  }
});

test('a still that is only half written is never shown, and the one before stays', async () => {
  const file = `${folder.path}/half.jpg`;
  await paint(file, 'red', '640x480');
  await ffmpeg(
    '-f',
    'lavfi',
    '-i',
    'color=blue:s=640x480,noise=alls=40:allf=t',
    '-frames:v',
    '1',
    `${file}.next.jpg`,
  );
  const bytes = await readFile(`${file}.next.jpg`);
  await using chain = await startChain({ DATA_FILE: file, ...NO_BORDER });
  await sees(chain, 'red');
  // Seen by the service before it is rewritten: then viewers are told what it is.
  await writeFile(file, bytes.subarray(0, bytes.length * 0.6));
  await until(async () => {
    assert.ok(['red', undefined].includes(await seen(chain)));
    const status = (await (await fetch(`${chain.web}/status`)).json()) as { message: string };
    return /half\.jpg is only half there, as a JPEG/.test(status.message);
  }, 'the reason');
  await writeFile(file, bytes);
  await sees(chain, 'blue');
  await rm(file);
  await until(async () => {
    const status = (await (await fetch(`${chain.web}/status`)).json()) as { message: string };
    return /half\.jpg does not exist/.test(status.message);
  }, 'the reason');
  await paint(file, 'green');
  await sees(chain, 'green');
});

/** The valid times of a round, as they come. */
async function validTimes(chain: Chain, count: number): Promise<(string | null)[]> {
  const times: (string | null)[] = [];
  for await (const { event, data } of events(`${chain.web}/stream`)) {
    if (event !== 'frame') continue;
    times.push(data.validAt === null ? null : new Date(data.validAt).toISOString().slice(0, 19));
    if (times.length === count) break;
  }
  return times;
}

test('a folder plays its newest pictures in the order of their times, and pictures join and leave', async () => {
  const path = `${folder.path}/scans`;
  await mkdir(path);
  const minutes = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);
  const name = (minute: number) => `${path}/goes_20211027T12${String(minute).padStart(2, '0')}00Z.png`;
  // Their order by name and by time of writing is another.
  for (const minute of minutes(0, 8).reverse()) await paint(name(minute), minute % 2 ? 'blue' : 'red');
  await writeFile(`${path}/notes.txt`, 'not a picture');
  await using chain = await startChain({
    DATA_FILE: `${path}/`,
    PLAYBACK_FPS: 4,
    PLAYBACK_WINDOW: 4,
    ...NO_BORDER,
  });
  const time = (minute: number) => `2021-10-27T12:${String(minute).padStart(2, '0')}:00`;
  const round = async () => [...new Set(await validTimes(chain, 8))].sort();
  assert.deepEqual(await round(), [4, 5, 6, 7].map(time));
  await paint(`${path}/.new.png`, 'green');
  await rename(`${path}/.new.png`, name(8));
  await until(async () => (await round()).join() === [5, 6, 7, 8].map(time).join(), 'the newest to join');
  await rm(name(8));
  await until(async () => (await round()).join() === [4, 5, 6, 7].map(time).join(), 'it to leave');
});

test('a folder with pictures of other sizes and kinds plays each as it is, and names what it leaves out', async () => {
  const path = `${folder.path}/mixed`;
  await mkdir(path);
  await paint(`${path}/1.png`, 'red');
  await paint(`${path}/2.jpg`, 'green', '200x100');
  await paint(`${path}/3.tiff`, 'blue');
  await paint(`${path}/5.png`, 'white', '240x320');
  await writeFile(`${path}/4.png`, (await readFile(`${path}/1.png`)).subarray(0, 100));
  await using chain = await startChain({ DATA_FILE: path, PLAYBACK_FPS: 4, ...NO_BORDER });
  const sizes = new Set<string>();
  for await (const { event, data } of events(`${chain.web}/stream`)) {
    if (event === 'frame') sizes.add(`${data.width}×${data.height}`);
    if (sizes.size === 3) break;
  }
  assert.deepEqual([...sizes].sort(), ['200×100', '240×320', '320×240']);
  const warnings = chain.services.playback.log
    .filter(({ reason }) => reason === 'picture')
    .map(({ msg }) => msg);
  assert.deepEqual(warnings.sort(), [
    '2.jpg is 200×100, and the first picture 320×240',
    '4.png is only half there, as a PNG: it is left out',
    '5.png is 240×320, and the first picture 320×240',
  ]);
});

test('a folder of 20 000 files costs no more than a small one', async () => {
  const path = `${folder.path}/many`;
  await mkdir(path);
  await paint(`${folder.path}/one.png`, 'red', '64x48');
  const bytes = await readFile(`${folder.path}/one.png`);
  const start = Date.UTC(2021, 0, 1);
  for (let n = 0; n < 20_000; n += 1) {
    const time = new Date(start + n * 60_000).toISOString().replaceAll(/[-:]|\.000/g, '');
    await writeFile(`${path}/${time}.png`, n < 19_990 ? '' : bytes);
  }
  const cpuSeconds = async (chain: Chain) =>
    (await metric(chain.playbackTelemetry, 'noaa_process_cpu_seconds_total'))!;
  await using chain = await startChain({ DATA_FILE: path, PLAYBACK_FPS: 2, PLAYBACK_WINDOW: 10 });
  await sleep(3000);
  const before = await cpuSeconds(chain);
  await sleep(5000);
  const share = ((await cpuSeconds(chain)) - before) / 5;
  assert.ok(share < 0.25, `${share} of a processor`);
  assert.deepEqual(
    chain.services.playback.log.filter(({ level }) => level === 'warn'),
    [],
  );
});

test('CLIP_START and CLIP_STEP give each frame its time, over a round and its turn', async () => {
  const file = `${folder.path}/timed.mp4`;
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=320x240:r=10', '-t', '3', '-c:v', 'libx264', file);
  const start = '2021-10-27T12:00:00Z';
  await using chain = await startChain({ DATA_FILE: file, CLIP_START: start, CLIP_STEP: 300 });
  let frames = 0;
  for await (const { event, data } of events(`${chain.web}/stream`)) {
    if (event !== 'frame') continue;
    assert.equal(data.validAt, Date.parse(start) + Math.round(data.position / 1e5) * 300_000);
    frames += 1;
    if (frames === 70) break;
  }
});
