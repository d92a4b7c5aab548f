/** `npm run test:alerts`: the alert rules before promtool, and before a real Prometheus that watches the real services. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeClip, temporaryFolder } from '../support/clips.ts';
import { startRelay } from '../support/relays.ts';
import { startChain } from '../support/services.ts';
import { until } from '../support/until.ts';
import { startPrometheus } from './prometheus.ts';
import { prometheusProgram } from './promtool.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/prometheus/', import.meta.url));
/** The alerts of which the longest `for` is half a minute. */
const FIRES_WITHIN_MS = 60_000;

test('promtool takes the rules and the configuration, and each tested alert fires when it should', () => {
  const promtool = prometheusProgram('promtool');
  for (const args of [
    ['check', 'config', 'prometheus.yml'],
    ['check', 'rules', 'noaa.rules.yml'],
    ['test', 'rules', 'noaa.rules.test.yml'],
  ])
    execFileSync(promtool, args, { cwd: EXAMPLES, stdio: 'pipe' });
});

test('promtool has nothing to say about the metrics of the services and of a relay', async () => {
  await using chain = await startChain();
  await using relay = await startRelay(`${chain.web}/stream.mjpg`);
  await relay.service.logged(line => line['state'] === 'live');
  assert.equal((await fetch(`${relay.web}/snapshot.jpg`)).status, 200);
  for (const service of [relay.web, chain.web, chain.redactorTelemetry, chain.playbackTelemetry]) {
    const input = await (await fetch(`${service}/metrics`)).text();
    const { status, stdout, stderr } = spawnSync(prometheusProgram('promtool'), ['check', 'metrics'], {
      input,
      encoding: 'utf8',
    });
    assert.deepEqual({ status, said: stdout + stderr }, { status: 0, said: '' }, service);
  }
});

test('in a real Prometheus no alert fires while the picture is live, and the right ones once playback is killed', async t => {
  await using folder = await temporaryFolder();
  await using chain = await startChain();
  await using prometheus = await startPrometheus(folder.path, chain, [`${EXAMPLES}noaa.rules.yml`]);
  const { ask } = prometheus;
  const seen = await until(async () => {
    // Several looks, so that the rules have been evaluated since: before the first, nothing was watched.
    const looks = 'count_over_time(noaa_visualizer_frames_received_total[1m]) > 4';
    return (await prometheus.query(`noaa_visualizer_frames_received_total > 100 and ${looks}`)).length > 0;
  }, 'Prometheus to have seen a hundred frames');
  assert.ok(seen);
  assert.deepEqual((await ask('alerts')).alerts, []);

  const killedMs = performance.now();
  await chain.services.playback.stop('SIGKILL');
  const fired = new Map<string, number>();
  await until(
    async () => {
      for (const { state, labels } of (await ask('alerts')).alerts) {
        if (state === 'firing' && !fired.has(labels.alertname))
          fired.set(labels.alertname, (performance.now() - killedMs) / 1000);
      }
      return fired.has('NoaaPictureNotLive') && fired.has('NoaaServiceDown');
    },
    'both alerts',
    FIRES_WITHIN_MS,
    500,
  );
  for (const [name, seconds] of fired) t.diagnostic(`${name} fired ${seconds.toFixed(0)} s after the kill`);
});

test('in a real Prometheus a mask fires the alerts of a mask, and none that blame the machine', async t => {
  await using folder = await temporaryFolder();
  const mask = `${folder.path}/mask.json`;
  const covering = (width: number) =>
    writeFile(
      mask,
      JSON.stringify({
        version: 1,
        units: 'normalised',
        regions: [{ name: 'all', shape: 'rectangle', x: 0, y: 0, width, height: 1 }],
      }),
    );
  await covering(1);
  const clip = await makeClip(`${folder.path}/clip.mp4`);
  await using chain = await startChain({ DATA_FILE: clip, MASK_FILE: mask, REDACT_WIDTH: 10 });
  await using prometheus = await startPrometheus(folder.path, chain, [`${EXAMPLES}noaa.rules.yml`]);
  const fired = new Set<string>();
  const fires = (...names: string[]) =>
    until(
      async () => {
        for (const { state, labels } of (await prometheus.ask('alerts')).alerts)
          if (state === 'firing') fired.add(labels.alertname);
        return names.every(name => fired.has(name));
      },
      names.join(' and '),
      90_000,
      500,
    );
  await fires('NoaaAllCovered');
  await writeFile(mask, '{');
  await fires('NoaaMaskFaulty', 'NoaaPictureNotLive');
  await covering(0.5);
  await until(async () => (await prometheus.query('noaa_visualizer_live == 1')).length > 0, 'the picture');
  // With the frames that were withheld among those that are counted.
  await until(
    async () => (await prometheus.query('noaa_redactor_frames_refused_total > 100')).length > 0,
    'them',
  );
  t.diagnostic([...fired].join(', '));
  for (const name of [
    'NoaaFramesDropped',
    'NoaaPictureBlank',
    'NoaaLinkDown',
    'NoaaServiceDown',
    'NoaaOtherRedactor',
  ])
    assert.ok(!fired.has(name), name);
  const sum = async (expression: string) =>
    Number((await prometheus.query(`sum(${expression})`))[0]!.value[1]);
  const lost = await sum('noaa_visualizer_frames_dropped_total{cause="upstream"}');
  const withheld = await sum('noaa_redactor_frames_refused_total');
  assert.ok(lost < withheld, `${lost} frames lost on the way, and ${withheld} withheld`);
});
