/** A share that stops to answer ends nothing, and is no reason not to end. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ffmpeg } from './support/clips.ts';
import { type HangingFolder, hangingFolder } from './support/hanging-folder.ts';
import { metric, startChain } from './support/services.ts';
import { until } from './support/until.ts';

let share: HangingFolder;
before(async () => {
  share = await hangingFolder();
  // Too long to be kept in memory, and each round opens it again.
  const source = ['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=10', '-t', '2.2', '-c:v', 'libx264'];
  await ffmpeg(...source, `${share.behind}/clip.mp4`);
});
after(() => share[Symbol.asyncDispose]());

type Chain = Awaited<ReturnType<typeof startChain>>;
const stateOf = async ({ web }: Chain) =>
  (await (await fetch(`${web}/status`)).json()) as { state: string; message: string };

/** Hangs the share until playback and the page say so. */
async function hang(chain: Chain): Promise<void> {
  share.hang();
  const said = async () => {
    const verdict = await fetch(`${chain.playbackTelemetry}/readyz`);
    return verdict.status === 503 && /its storage may hang/.test(await verdict.text());
  };
  await until(said, 'health to say it');
  const { state } = await until(async () => {
    const status = await stateOf(chain);
    return /its storage may hang/.test(status.message) ? status : undefined;
  }, 'viewers to be told');
  assert.notEqual(state, 'live');
}

test('storage that hangs ends nothing and shows in health, and the clip goes on after it; SIGTERM does not wait for it', async () => {
  await using chain = await startChain({ DATA_FILE: `${share.path}/clip.mp4` });
  try {
    const isLost = () => metric(chain.playbackTelemetry, 'noaa_playback_source_lost');
    await hang(chain);
    assert.equal(await isLost(), 1);
    for (const service of [chain.web, chain.redactorTelemetry, chain.playbackTelemetry])
      assert.equal((await fetch(`${service}/livez`)).status, 200, service);
    share.resume();
    await until(async () => (await stateOf(chain)).state === 'live', 'a live picture');
    assert.equal((await fetch(`${chain.playbackTelemetry}/readyz`)).status, 200);
    assert.equal(await isLost(), 0);

    share.hang();
    const isStalled = async () => (await fetch(`${chain.playbackTelemetry}/readyz`)).status === 503;
    await until(isStalled, 'the end of what was decoded');
    const { how, ms } = await chain.services.playback.stop();
    assert.equal(how, 0);
    assert.ok(ms < 1000, `${ms} ms`);
  } finally {
    share.resume();
  }
});
