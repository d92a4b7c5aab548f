/** A visualizer that ends hands its viewers over to another one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { freePort } from './support/ports.ts';
import { passOn } from './support/proxy.ts';
import { serve, startRelay } from './support/relays.ts';
import { startChain, startService } from './support/services.ts';
import { open } from './support/streams.ts';
import { until } from './support/until.ts';

test('a rolling restart behind a proxy keeps nobody waiting for a second, and shows nobody an error', async t => {
  await using folder = await temporaryFolder();
  await using chain = await startChain({
    DATA_FILE: await makeClip(`${folder.path}/clip.mp4`, { fps: 20 }),
    DRAIN_SECONDS: 1,
  });
  const first = chain.environment.visualizer.VISUALIZER_PORT as number;
  const second = await freePort();
  const start = async (port: number) => {
    const service = startService('visualizer', { ...chain.environment.visualizer, VISUALIZER_PORT: port });
    await service.logged(({ state }) => state === 'live');
    return service;
  };
  await using other = await start(second);

  let turn = 0;
  using proxy = await serve((theirs, ours) => {
    turn += 1;
    passOn(turn % 2 === 0 ? [first, second] : [second, first], theirs, ours);
  });
  // Its viewers are not even told that its origin changes.
  await using relay = await startRelay(`${proxy.web}/stream.mjpg`);
  await relay.service.logged(({ state }) => state === 'live');
  const ended = new AbortController();
  t.after(() => ended.abort());
  const faults: string[] = [];
  const viewers = Array.from({ length: 10 }, (_, at) => {
    const web = at < 8 ? proxy.web : relay.web;
    const viewer = { longestMs: 0, lastMs: performance.now(), pictures: 0, connections: 0 };
    const path = at % 2 === 0 ? '/stream' : '/stream.mjpg';
    const mark = at % 2 === 0 ? 'event: frame' : 'Content-Type: image/jpeg';
    void (async () => {
      while (!ended.signal.aborted) {
        viewer.connections += 1;
        try {
          const response = await open(`${web}${path}`, ended.signal);
          if (response.statusCode !== 200) faults.push(`${response.statusCode}`);
          for await (const chunk of response) {
            if (!(chunk as Buffer).includes(mark)) continue;
            const nowMs = performance.now();
            if (viewer.pictures > 0) viewer.longestMs = Math.max(viewer.longestMs, nowMs - viewer.lastMs);
            viewer.lastMs = nowMs;
            viewer.pictures += 1;
          }
        } catch (error) {
          if (!ended.signal.aborted) faults.push(String(error));
        }
      }
    })();
    return viewer;
  });
  const everyoneSees = (what: string) => {
    const before = viewers.map(({ pictures }) => pictures);
    return until(() => viewers.every(({ pictures }, at) => pictures > before[at]! + 3), what);
  };
  await everyoneSees('pictures');

  const leaving = chain.services.visualizer.stop();
  await until(
    async () => (await fetch(`${chain.web}/readyz`)).status === 503,
    'word that it is not ready, while it still answers',
    1000,
  );
  const { how, ms } = await leaving;
  assert.equal(how, 0);
  assert.ok(ms < 2500, `${Math.round(ms)} ms`);
  await everyoneSees('pictures of the other');
  await using again = await start(first);
  assert.equal((await other.stop()).how, 0);
  await everyoneSees('pictures of the first again');
  ended.abort();

  assert.deepEqual(faults, []);
  for (const [at, { longestMs, connections }] of viewers.entries()) {
    assert.ok(longestMs < 1000, `${Math.round(longestMs)} ms without a picture`);
    if (at < 8) assert.ok(connections >= 2 && connections <= 5, `${connections} connections`);
    else assert.equal(connections, 1, 'of a viewer of the relay');
  }
  const states = relay.service.log.flatMap(({ state }) => (typeof state === 'string' ? state : []));
  assert.deepEqual(states.slice(states.indexOf('live')), ['live']);
  await again.stop();
});
