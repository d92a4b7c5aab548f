/** `npm run test:alerts`: the alert rules before promtool, and before a real Prometheus that watches the real services. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support/clips.ts';
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
    return (await prometheus.query('noaa_visualizer_frames_received_total > 100')).length > 0;
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
