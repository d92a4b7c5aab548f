/** The file that plays may be replaced, rewritten, removed, half-written or empty at any time. */
import assert from 'node:assert/strict';
import { copyFile, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { startChain } from './support/services.ts';
import { events } from './support/streams.ts';
import { until } from './support/until.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const MP4 = ['-c:v', 'libx264', '-preset', 'ultrafast'];
let small: string;
let tall: string;
before(async () => {
  folder = await temporaryFolder();
  small = await makeClip(`${folder.path}/small.mp4`, { size: '320x240', seconds: 3, fps: 10, output: MP4 });
  // As many pixels: the redactor must follow a shape of the same number of bytes too.
  tall = await makeClip(`${folder.path}/tall.mp4`, { size: '240x320', seconds: 3, fps: 10, output: MP4 });
});
after(() => folder[Symbol.asyncDispose]());

type Chain = Awaited<ReturnType<typeof startChain>>;
interface Status {
  state: string;
  message: string;
  source: { width: number | null; height: number | null };
}
const statusOf = async ({ web }: Chain) => (await (await fetch(`${web}/status`)).json()) as Status;
const showsSize = (chain: Chain, width: number, height: number) =>
  until(async () => {
    const { state, source } = await statusOf(chain);
    return state === 'live' && source.width === width && source.height === height;
  }, `a live picture of ${width}×${height}`);
const explains = (chain: Chain, reason: RegExp) =>
  until(async () => {
    const { state, message } = await statusOf(chain);
    return state !== 'live' && reason.test(message);
  }, `viewers to be told ${reason}`);

async function chainOn(name: string) {
  const file = `${folder.path}/${name}.mp4`;
  await copyFile(small, file);
  const chain = await startChain({ DATA_FILE: file });
  await showsSize(chain, 320, 240);
  return { file, chain };
}

test('a clip that is replaced plays in its own shape from the next round on, with one log line', async () => {
  const { file, chain } = await chainOn('replaced');
  await using _ = chain;
  await copyFile(tall, `${file}.new`);
  await rename(`${file}.new`, file);
  await showsSize(chain, 240, 320);
  const { log } = chain.services.playback;
  const later = log.slice(log.findIndex(({ msg }) => msg.startsWith('playing ')) + 1);
  assert.deepEqual(
    later.map(({ msg }) => msg),
    ['playing 240×320 at 10.00 frames a second'],
  );
});

test('a clip that is rewritten in place, half of it first, ends nothing, says why, and comes back', async () => {
  const { file, chain } = await chainOn('rewritten');
  await using _ = chain;
  const bytes = await readFile(tall);
  // Without its index, which ffmpeg writes last.
  await writeFile(file, bytes.subarray(0, bytes.length / 2));
  await explains(chain, /rewritten\.mp4 is not a video that playback reads \(.*moov/);
  const verdict = await fetch(`${chain.playbackTelemetry}/readyz`);
  assert.equal(verdict.status, 503);
  assert.match(await verdict.text(), /rewritten\.mp4 is not a video/);
  assert.equal((await fetch(`${chain.playbackTelemetry}/livez`)).status, 200);
  await writeFile(file, bytes);
  await showsSize(chain, 240, 320);
  assert.equal((await fetch(`${chain.playbackTelemetry}/readyz`)).status, 200);
});

test('a clip that is removed, and one that is empty, are waited for', async () => {
  const { file, chain } = await chainOn('removed');
  await using _ = chain;
  await rm(file);
  await explains(chain, /removed\.mp4 does not exist/);
  await writeFile(file, '');
  await explains(chain, /removed\.mp4 is empty/);
  await copyFile(small, file);
  await showsSize(chain, 320, 240);
});

test('a clip that is cut short while it plays comes back with the next that is whole', async () => {
  const { file, chain } = await chainOn('cut');
  await using _ = chain;
  await truncate(file, 2000);
  await explains(chain, /cut\.mp4/);
  await copyFile(tall, file);
  await showsSize(chain, 240, 320);
});

test('a clip that grows plays longer from round to round', async () => {
  const whole = await makeClip(`${folder.path}/whole.ts`, { seconds: 4, fps: 10, output: MP4 });
  const bytes = await readFile(whole);
  const file = `${folder.path}/growing.ts`;
  await writeFile(file, bytes.subarray(0, bytes.length / 3));
  await using chain = await startChain({ DATA_FILE: file });
  // A round of what is there so far is shorter than 2.5 s, and one of the whole is not.
  const positions = events(`${chain.web}/stream`);
  const positionPast = async (us: number) => {
    for (;;) {
      const { value } = await positions.next();
      if (value?.event === 'frame' && value.data.position > us) return value.data.position;
    }
  };
  assert.ok((await positionPast(0)) < 2.5e6);
  await writeFile(file, bytes);
  await positionPast(3e6);
});
