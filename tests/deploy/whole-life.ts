/**
 * npm run test:deploy: the whole life of the pod on a real Debian 13 with systemd, Quadlet and rootless podman, installed as
 * docs/deploy.md says and looked at from outside.
 */
import assert from 'node:assert/strict';
import { decodeJpeg } from '../support/jpeg.ts';
import { until } from '../support/until.ts';
import {
  allWell,
  assertRedacted,
  host,
  isLive,
  knocking,
  noaa,
  onHost,
  site,
  snapshot,
  startedAt,
  step,
  strike,
} from './deployment.ts';
import { SERVICES } from './machine.ts';
import {
  guarded,
  heldIn,
  heldPort,
  installed,
  killedAtOnce,
  loggedInAndOut,
  rebooted,
  settingsAsRead,
  started,
  uninstalled,
  userRemoved,
  watchedByUsers,
} from './steps.ts';

onHost('trixie');
installed();
settingsAsRead();
started();
heldPort();
heldIn();

step('the audit reads on from a journal that was rotated', async () => {
  const before = await host.op(noaa('audit'));
  assert.match(before, /Z {2}redactor +(mask|source) /);
  await host.root('journalctl --rotate');
  assert.ok((await host.op(noaa('audit'))).startsWith(before), 'what was there before is gone');
});

step('code in the visualizer that takes every processor leaves its neighbours theirs', async say => {
  const count =
    "podman exec noaa-redactor node -e 'http.get({ socketPath: `/tmp/metrics`, path: `/metrics` }, answer => answer.pipe(process.stdout))'";
  const published = async () =>
    Number(/^noaa_redactor_frames_published_total\S* (\d+)/m.exec(await host.op(count))?.[1]);
  const rate = async () => {
    const [from, fromMs] = [await published(), performance.now()];
    await new Promise(resolve => setTimeout(resolve, 30_000));
    return (1000 * ((await published()) - from)) / (performance.now() - fromMs);
  };
  const calm = await rate();
  const burn = 'for (let n = 0; n < 4; n++) new worker_threads.Worker(`for (;;);`, { eval: true })';
  await host.op(`podman exec --detach noaa-visualizer node -e '${burn}'`);
  const starved = await rate();
  say(`${calm.toFixed(1)} frames a second, and ${starved.toFixed(1)} beside four threads that never rest`);
  await strike('KILL', 'visualizer');
  await allWell('after the visualizer was replaced');
  assert.ok(starved > 0.7 * calm, `${starved} frames a second instead of ${calm}`);
});

step('another border, by the settings file', async () => {
  await host.op('echo REDACT_WIDTH=40 >> ~/.config/noaa-pod/settings.env');
  await host.op('systemctl --user restart noaa-pod');
  await allWell('with another border');
  assertRedacted(await snapshot(), 40);
});

for (const [signal, what] of [
  ['KILL', 'killed comes back by itself'],
  ['STOP', 'hung is found by its health check and replaced'],
] as const) {
  for (const service of SERVICES) {
    step(`${service} ${what}, and its neighbours never notice`, async say => {
      const earlier = await startedAt();
      const from = host.seconds();
      await strike(signal, service);
      say(`replaced after ${host.seconds() - from} s`);
      await allWell(`after SIG${signal} to ${service}`);
      say(`well again after ${host.seconds() - from} s`);
      const later = await startedAt();
      for (const other of SERVICES.filter(name => name !== service)) {
        assert.equal(later.get(`noaa-${other}`), earlier.get(`noaa-${other}`), other);
      }
    });
  }
}

step('while playback is away its neighbours wait, alive, and status says so', async () => {
  const earlier = await startedAt();
  await host.op('systemctl --user stop noaa-playback');
  await until(async () => !(await isLive()), 'a picture that is not live', 60_000);
  // Longer than two checks take to kill.
  await new Promise(resolve => setTimeout(resolve, 60_000));
  const { code, output } = await host.try(noaa('status'));
  assert.equal(code, 1, output);
  assert.match(output, /NOT LIVE/);
  assert.equal((await fetch(site('/livez'))).status, 200);
  await host.op('systemctl --user start --no-block noaa-playback');
  await allWell('with playback again');
  const later = await startedAt();
  for (const other of ['redactor', 'visualizer'])
    assert.equal(later.get(`noaa-${other}`), earlier.get(`noaa-${other}`));
});

step('an upgrade that does not become live is rolled back', async say => {
  await host.op('podman tag localhost/noaa-redactor:latest localhost/noaa-visualizer:candidate');
  const before = await host.op("podman image inspect --format '{{.Id}}' localhost/noaa-visualizer:latest");
  const { code, output } = await host.try(noaa('upgrade --wait 60'), 900_000);
  say(output.split('\n').slice(-6).join('\n'));
  assert.equal(code, 1, output);
  assert.match(output, /the version before it is back, and live/);
  assert.equal(
    await host.op("podman image inspect --format '{{.Id}}' localhost/noaa-visualizer:latest"),
    before,
  );
  await allWell('after the rollback');
});

step(
  'an upgrade that does is kept, and can be taken back by hand; no connect is refused through it, a restart and a kill',
  async say => {
    await host.op('podman tag localhost/noaa-visualizer:latest localhost/noaa-visualizer:candidate');
    const opened = () => host.op('systemctl --user show --property=InvocationID --value noaa.socket');
    const before = await opened();
    const { connected, refused } = await knocking(async () => {
      const { code, output } = await host.try(noaa('upgrade --wait 300'), 900_000);
      assert.equal(code, 0, output);
      assert.match(output, /Upgraded: the picture is live/);
      for (const unit of ['noaa-visualizer', 'noaa-pod']) {
        await host.op(`systemctl --user restart ${unit}`);
        await allWell(`after a restart of ${unit}`);
      }
      await strike('KILL', 'visualizer');
      await allWell('after the visualizer was killed');
    }, 1000);
    say(`${connected} connects, ${refused.length} refused`);
    assert.ok(connected >= 1000);
    assert.deepEqual(refused, []);
    assert.equal(await opened(), before, 'the port was closed and opened again');
    const back = await host.try(noaa('rollback'), 900_000);
    assert.equal(back.code, 0, back.output);
    assert.match(back.output, /Rolled back: the picture is live/);
  },
);

step('another border and another port, by drop-ins as shown', async () => {
  await host.op(
    'mkdir -p ~/.config/systemd/user && cp -r noaa-pod/examples/drop-ins/noaa.socket.d ~/.config/systemd/user/',
  );
  await host.op('cp -r noaa-pod/examples/drop-ins/noaa-redactor.container.d ~/.config/containers/systemd/');
  await host.op('sed -i /REDACT_WIDTH/d ~/.config/noaa-pod/settings.env');
  const again =
    'systemctl --user daemon-reload; systemctl --user stop noaa-pod; systemctl --user start noaa-pod';
  await host.op(again);
  await allWell('with the drop-ins');
  const own = (await host.op('hostname -I')).split(' ')[0];
  await host.op(`curl -sfo /dev/null http://${own}:8080/readyz`);
  assert.match(await host.op(noaa('status')), /^access +ANYBODY WHO REACHES \S+:8080 MAY WATCH/m);
  await using other = await host.tunnel(8080);
  const answer = await fetch(`http://127.0.0.1:${other.port}/snapshot.jpg`);
  assertRedacted(await decodeJpeg(Buffer.from(await answer.arrayBuffer())), 50);
  await host.op('rm -r ~/.config/containers/systemd/*.d ~/.config/systemd/user/noaa.socket.d');
  await host.op('cp -r noaa-pod/examples/drop-ins/noaa.pod.d ~/.config/containers/systemd/');
  await host.op(again);
  await allWell('with the port published by podman');
  assert.equal(await host.op('systemctl --user is-active noaa.socket || true'), 'inactive');
  await host.op('curl -sfo /dev/null http://127.0.0.1:8050/readyz');
  await host.op('rm -r ~/.config/containers/systemd/*.d');
  await host.op(again);
  await allWell('without the drop-ins');
});

step('the daily scan runs by its timer, and claims nothing where there is no scanner', async () => {
  await host.op('noaa-pod/verify/host/schedule on');
  assert.match(
    await host.op('systemctl --user list-timers --no-legend noaa-verify.timer'),
    /noaa-verify\.service/,
  );
  const ran = await host.try('systemctl --user start noaa-verify.service', 900_000);
  assert.notEqual(ran.code, 0, 'a scan without scanners passed');
  assert.equal(
    await host.op('systemctl --user show --property=ExecMainStatus --value noaa-verify.service'),
    '3',
  );
  const { code, output } = await host.try('noaa-pod/verify/host/schedule status');
  assert.equal(code, 1, output);
  for (const told of [
    /noaa-playback\S* was made from Debian's archive of \d+ days ago/,
    /trivy is not installed/,
    /grype is not installed/,
  ])
    assert.match(output, told);
});

step('a port that is taken is said, and the picture comes when it is free', async () => {
  await host.op('systemctl --user stop noaa-pod');
  const listening = (expected: string) =>
    until(
      async () => ((await host.root("ss -Hltn 'sport = :8050'")) === '' ? 'free' : 'taken') === expected,
      `port 8050 to be ${expected}`,
      60_000,
    );
  await listening('free');
  await host.root(
    "systemd-run --unit=squatter perl -MIO::Socket::INET -e 'my $held = IO::Socket::INET->new(LocalAddr => q(127.0.0.1:8050), Listen => 1, ReuseAddr => 1) or die; sleep 9999'",
  );
  await listening('taken');
  await host.try('systemctl --user start noaa-pod', 400_000);
  const { code, output } = await host.try(noaa('status'));
  assert.equal(code, 1, output);
  assert.match(output, /^port {8}127\.0\.0\.1:8050 is not the pod's: another program has it/m);
  await host.root('systemctl stop squatter');
  await allWell('with the port free again');
});

step('stop is quick, and leaves nothing running', async say => {
  const took = await host.op(
    's=$(date +%s%N); systemctl --user stop noaa-pod; e=$(date +%s%N); echo $(( (e - s) / 1000000 ))',
  );
  say(`stopped in ${took} ms, on a machine some ten times slower than its processor`);
  assert.equal(await host.op('podman ps -q'), '');
  assert.equal(await host.op("ss -Hltn 'sport = :8050'"), '', 'the port is still open');
  for (const service of SERVICES) {
    const how = await host.op(`systemctl --user show --property=Result --value noaa-${service}`);
    assert.equal(how, 'success', service);
  }
  await host.op('systemctl --user start noaa-pod');
  await allWell('after a stop');
});

killedAtOnce();
guarded();
rebooted();
loggedInAndOut();
watchedByUsers();
userRemoved();
uninstalled();
