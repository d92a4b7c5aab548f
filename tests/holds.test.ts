/** A picture that stays is live, in all three services. */
import assert from 'node:assert/strict';
import { after, before, describe, it, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ffmpeg, temporaryFolder } from './support/clips.ts';
import { metric, startChain } from './support/services.ts';
import { until } from './support/until.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
before(async () => {
  folder = await temporaryFolder();
});
after(() => folder[Symbol.asyncDispose]());

const TEST_PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=s=320x240:r=10'];

/** Asserts that all three say `live` and ready, again and again for a while. */
async function assertLive(chain: Awaited<ReturnType<typeof startChain>>, forMs: number): Promise<void> {
  const untilMs = performance.now() + forMs;
  while (performance.now() < untilMs) {
    const status = (await (await fetch(`${chain.web}/status`)).json()) as { state: string };
    assert.equal(status.state, 'live');
    for (const service of [chain.web, chain.redactorTelemetry, chain.playbackTelemetry]) {
      assert.equal((await fetch(`${service}/readyz`)).status, 200, service);
    }
    await sleep(100);
  }
}

const published = (chain: Awaited<ReturnType<typeof startChain>>) =>
  metric(chain.playbackTelemetry, 'noaa_playback_frames_published_total');
const repeated = (chain: Awaited<ReturnType<typeof startChain>>) =>
  metric(chain.playbackTelemetry, 'noaa_playback_frames_repeated_total');

describe('a loop that holds its last frame is live all the time', { concurrency: 2 }, () => {
  for (const [name, ...output] of [
    ['dwell.gif', '-final_delay', '300'],
    ['dwell.apng', '-plays', '0', '-final_delay', '3'],
  ] as const) {
    it(name, async () => {
      const file = `${folder.path}/${name}`;
      await ffmpeg(...TEST_PICTURE, '-t', '2', ...output, file);
      await using chain = await startChain({ DATA_FILE: file });
      const before = performance.now();
      await assertLive(chain, 10_500);
      const seconds = (performance.now() - before) / 1000;
      const frames = (await published(chain)) ?? 0;
      // 20 frames in about 5 s.
      assert.ok(frames > 3 * seconds && frames < 8 * seconds + 20, `${frames} frames in ${seconds} s`);
      assert.ok((await repeated(chain))! >= 2);
    });
  }
});

test('a clip at 0.02 frames a second is live from its first frame on', async () => {
  const file = `${folder.path}/slow.mp4`;
  await ffmpeg(...TEST_PICTURE, '-frames:v', '3', '-c:v', 'libx264', file);
  await using chain = await startChain({ DATA_FILE: file, PLAYBACK_FPS: 0.02 });
  await assertLive(chain, 5000);
  assert.equal(await published(chain), 1);
});

test('the end of a clip that does not loop is known to viewers', async () => {
  const file = `${folder.path}/short.mp4`;
  await ffmpeg(...TEST_PICTURE, '-t', '3', '-c:v', 'libx264', file);
  await using chain = await startChain({ DATA_FILE: file, PLAYBACK_LOOP: 'false' });
  assert.equal(await chain.services.playback.ended, 0);
  const message = await until(async () => {
    const status = (await (await fetch(`${chain.web}/status`)).json()) as { state: string; message: string };
    return status.state === 'ended' ? status.message : undefined;
  }, 'the end');
  assert.match(message, /has ended/);
});
