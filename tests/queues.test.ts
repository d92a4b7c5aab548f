/** Promises 3 and 4: no queue grows, and a slow viewer costs only itself. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { metric, startChain } from './support/services.ts';
import { events, firstEvent, open } from './support/streams.ts';
import { until } from './support/until.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
before(async () => {
  folder = await temporaryFolder();
});
after(() => folder[Symbol.asyncDispose]());

const isFrame = ({ event }: { event: string }) => event === 'frame';

test('a subscriber that has stopped costs its publisher a frame or two, and what it has missed is counted', async () => {
  const large = await makeClip(`${folder.path}/large.mp4`, { size: '1920x1080', seconds: 2, fps: 30 });
  await using chain = await startChain({ DATA_FILE: large });
  const { playback, redactor } = chain.services;
  const published = () =>
    metric(chain.playbackTelemetry, 'noaa_playback_frames_published_total') as Promise<number>;
  await until(async () => (await published()) > 60, 'memory to settle');
  redactor.process.kill('SIGSTOP');
  const before = { rss: residentBytes(playback.process.pid), frames: await published() };
  await until(async () => (await published()) > before.frames + 120, '120 frames of 3 MB');
  const grown = residentBytes(playback.process.pid) - before.rss;
  redactor.process.kill('SIGCONT');
  assert.ok(grown < 120e6, `${(grown / 1e6).toFixed(0)} MB more while 373 MB of frames went by`);
  await firstEvent(`${chain.web}/stream`, isFrame);
  const missed = () =>
    metric(chain.redactorTelemetry, 'noaa_redactor_frames_missed_total') as Promise<number>;
  await until(async () => (await missed()) > 60, 'the loss to be counted', 5000);
});

test('viewers that read nothing cost the others no frame, and what they miss is counted', async () => {
  const large = await makeClip(`${folder.path}/noise.mp4`, {
    size: '1280x720',
    filters: 'noise=alls=60:allf=t',
  });
  // Without the loop, which grows to its own limit and serves repeated rounds without encoding them.
  await using chain = await startChain({ DATA_FILE: large, LOOP_MB: 0 });
  const closing = new AbortController();
  for (let i = 0; i < 20; i += 1) {
    const stalled = await open(chain.web + (i % 2 ? '/stream' : '/stream.mjpg'), closing.signal);
    stalled.on('error', () => {}).pause();
  }
  const rss = () => residentBytes(chain.services.visualizer.process.pid);
  const encoded = () => metric(chain.web, 'noaa_visualizer_frames_encoded_total') as Promise<number>;
  const settled = { rss: 0, encoded: 0 };
  let frames = 0;
  for await (const { event } of events(`${chain.web}/stream`)) {
    if (event !== 'frame') continue;
    frames += 1;
    if (frames === 60) {
      settled.rss = rss();
      settled.encoded = await encoded();
    }
    if (frames === 180) break;
  }
  const offered = (await encoded()) - settled.encoded;
  const grown = rss() - settled.rss;
  const skipped = await metric(chain.web, 'noaa_visualizer_frames_dropped_total{cause="viewer"}');
  closing.abort();
  assert.ok((skipped ?? 0) > 20 * 20, `only ${skipped} skips are counted`);
  assert.ok(offered <= 120 * 1.05 + 3, `of ${offered} pictures a viewer that reads got 120`);
  assert.ok(grown < 80e6, `${(grown / 1e6).toFixed(0)} MB more`);
});

function residentBytes(pid: number | undefined): number {
  const kib = execFileSync('ps', ['-o', 'rss=', '-p', String(pid)]).toString();
  return Number(kib) * 1024;
}
