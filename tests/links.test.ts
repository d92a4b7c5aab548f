/** What is wrong with a link is said: in the log, in the metrics, in `/status` and in the health of each service. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { chainEnvironment, metric, startService } from './support/services.ts';
import { until } from './support/until.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let clip: string;
before(async () => {
  folder = await temporaryFolder();
  clip = await makeClip(`${folder.path}/clip.mp4`);
});
after(() => folder[Symbol.asyncDispose]());

const text = async (url: string) => await (await fetch(url)).text();
const statusOf = async (web: string) => JSON.parse(await text(`${web}/status`));

test('what is at the port of a peer is named in log, health and status, until the peer itself is there', async () => {
  const stranger = createHttpServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  const { port } = stranger.address() as AddressInfo;
  const environment = await chainEnvironment({ DATA_FILE: clip, PLAYBACK_PORT: port });
  await using redactor = startService('redactor', environment.redactor);
  await using visualizer = startService('visualizer', { ...environment.visualizer, REDACTOR_PORT: port });
  const said = /an HTTP server is there instead; set (PLAYBACK|REDACTOR)_HOST and (PLAYBACK|REDACTOR)_PORT/;
  for (const service of [redactor, visualizer]) {
    const line = await service.logged(({ level, msg }) => level === 'warn' && said.test(msg));
    assert.match(line.msg, new RegExp(`^no link to (playback|the redactor) at tcp://127.0.0.1:${port}: `));
  }
  assert.match(await text(`${environment.redactorTelemetry}/readyz`), said);
  const { message, source } = await statusOf(environment.web);
  assert.match(message, said);
  assert.match(source.fault, said);
  const fault = /^noaa_link_fault_info\{.*fault="an HTTP server is there instead; .*\} 1$/m;
  for (const service of [environment.redactorTelemetry, environment.web]) {
    const metrics = await text(`${service}/metrics`);
    assert.match(metrics, fault);
    assert.match(metrics, /^noaa_link_up\{.*\} 0$/m);
  }
  stranger.closeAllConnections();
  await once(stranger.close(), 'close');
  await using playback = startService('playback', environment.playback);
  await playback.logged(({ level }) => level === 'info');
  await redactor.logged(({ msg }) => msg === 'frames flow');
  const metrics = await text(`${environment.redactorTelemetry}/metrics`);
  assert.match(metrics, /^noaa_link_up\{.*\} 1$/m);
  assert.doesNotMatch(metrics, /^noaa_link_fault_info/m);
});

test('a link that is cut again and again is live, counted and named', async () => {
  const environment = await chainEnvironment({ DATA_FILE: clip });
  const cuttable = new Set<Socket>();
  const proxy = createServer(client => {
    const upstream = connect(environment.visualizer['REDACTOR_PORT'] as number, '127.0.0.1').on(
      'error',
      () => {},
    );
    client
      .on('error', () => {})
      .pipe(upstream)
      .pipe(client);
    cuttable.add(client);
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  await using _playback = startService('playback', environment.playback);
  await using _redactor = startService('redactor', environment.redactor);
  await using visualizer = startService('visualizer', { ...environment.visualizer, REDACTOR_PORT: port });
  for (let cut = 1; cut <= 4; cut += 1) {
    await until(async () => {
      const { state, source } = await statusOf(environment.web);
      return (
        state === 'live' && source.connected && source.lastFrameAgoMs < 200 && source.reconnects >= cut - 1
      );
    }, 'a live picture');
    for (const socket of cuttable) socket.destroy();
    cuttable.clear();
  }
  await visualizer.logged(
    ({ level, msg }) =>
      level === 'warn' && /^the link to the redactor at .* was lost 3 times within a minute/.test(msg),
  );
  const { message, source } = await until(async () => {
    const status = await statusOf(environment.web);
    return status.state === 'live' && status.source.reconnects >= 4 && status;
  }, 'a live picture after the last cut');
  assert.ok(source.recentLosses >= 4, `${source.recentLosses}`);
  assert.match(message, /^The picture is live\. The link to tcp:.* was lost \d times within a minute\.$/);
  assert.ok((await metric(environment.web, 'noaa_visualizer_reconnects_total'))! >= 4);
  for (const socket of cuttable) socket.destroy();
  proxy.close();
});

test('a secret that is missing or wrong is named by the one who lacks it', async () => {
  const [right, wrong] = [`${folder.path}/right`, `${folder.path}/wrong`];
  await writeFile(right, 'a1'.repeat(32), { mode: 0o600 });
  await writeFile(wrong, 'b2'.repeat(32), { mode: 0o600 });
  const environment = await chainEnvironment({ DATA_FILE: clip });
  await using _ = startService('playback', { ...environment.playback, PLAYBACK_SECRET_FILE: right });
  for (const [secret, said] of [
    [{}, /: it asks for a secret; set PLAYBACK_SECRET_FILE/],
    [{ PLAYBACK_SECRET_FILE: wrong }, /: it refuses the secret in PLAYBACK_SECRET_FILE/],
  ] as const) {
    await using redactor = startService('redactor', { ...environment.redactor, ...secret });
    await redactor.logged(({ level, msg }) => level === 'warn' && said.test(msg));
    assert.match(await text(`${environment.redactorTelemetry}/readyz`), said);
  }
});
