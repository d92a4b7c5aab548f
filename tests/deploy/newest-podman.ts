/**
 * npm run test:deploy:newest: the same pod on Debian's testing, whose podman is several releases younger, brought there by
 * podman's own `podman quadlet install` in place of our script.
 */
import assert from 'node:assert/strict';
import {
  allWell,
  assertRedacted,
  host,
  live,
  loadImages,
  noaa,
  onHost,
  openTunnel,
  playSmallClip,
  snapshot,
  step,
  strike,
} from './deployment.ts';
import { SERVICES } from './machine.ts';

onHost('forky');

step('podman there is newer than the stable one', async say => {
  const version = await host.op('podman --version');
  say(version);
  assert.match(version, /^podman version ([6-9]|5\.([6-9]|\d\d))\./);
});

step('podman quadlet install brings the folder, and every unit turns active and healthy', async say => {
  await host.root('loginctl enable-linger op');
  await loadImages();
  await host.op(
    'for s in playback redactor visualizer; do podman tag localhost/noaa-$s:candidate localhost/noaa-$s:latest; done',
  );
  await playSmallClip();
  say(await host.op('podman quadlet install noaa-pod/quadlet'));
  await host.op('systemctl --user start noaa-pod');
  await allWell('after the first start', 600_000);
  say(await host.op(noaa('status')));
  const ps = await host.op("podman ps --format '{{.Names}} {{.Status}}'");
  for (const service of SERVICES) assert.match(ps, new RegExp(`noaa-${service} Up .*\\(healthy\\)`));
  assert.match(ps, /^noaa-infra Up/m);
});

step('redacted frames come through the tunnel', async () => {
  await openTunnel();
  await live('through the tunnel', 60_000);
  assertRedacted(await snapshot(), 100);
});

step('all three killed at once come back by themselves', async say => {
  const from = host.seconds();
  await strike('KILL', ...SERVICES);
  await allWell('after all three ended');
  say(`well again after ${host.seconds() - from} s`);
});

step('a hung service is found by its health check and replaced', async say => {
  const from = host.seconds();
  await strike('STOP', 'redactor');
  say(`replaced after ${host.seconds() - from} s`);
  await allWell('after the redactor hung');
});

step('uninstall takes away what podman quadlet install has brought', async () => {
  await host.op(noaa('uninstall --clips'), 600_000);
  assert.equal(await host.op('podman ps -aq; podman pod ls -q; podman images -q; podman volume ls -q'), '');
  assert.equal(await host.op('systemctl --user list-units --all --no-legend "noaa*"'), '');
  assert.equal(await host.op('find ~/.config/containers ~/.config/noaa-pod -type f 2>/dev/null; true'), '');
});
