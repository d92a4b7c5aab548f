/**
 * npm run test:deploy:newest: the same pod on Debian's testing, whose podman is several releases younger, brought there by
 * podman's own `podman quadlet install` instead of our script.
 */
import assert from 'node:assert/strict';
import { allWell, host, loadImages, noaa, onHost, playSmallClip, step, strike } from './deployment.ts';
import { SERVICES } from './machine.ts';
import { heldPort, killedAtOnce, started } from './steps.ts';

onHost('forky');

step('podman there is newer than the stable one', async say => {
  const version = await host.op('podman --version');
  say(version);
  assert.match(version, /^podman version ([6-9]|5\.([6-9]|\d\d))\./);
});

step('podman quadlet install brings the folder', async say => {
  await host.root('loginctl enable-linger op');
  await loadImages();
  await host.op(
    'for s in playback redactor visualizer; do podman tag localhost/noaa-$s:candidate localhost/noaa-$s:latest; done',
  );
  await playSmallClip();
  await host.op(
    "for s in noaa-playback noaa-redactor; do head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \\n' | podman secret create $s -; done",
  );
  say(await host.op('podman quadlet install noaa-pod/quadlet'));
  await host.op(
    'install -Dm 0644 noaa-pod/quadlet/noaa.socket ~/.config/systemd/user/noaa.socket && systemctl --user daemon-reload',
  );
});

started();
heldPort();

step(
  'code in the visualizer can take no port of frames, and shares no memory with its neighbours',
  async () => {
    const bind =
      'for (const port of [5555, 5556]) net.createServer().on(`error`, ({ code }) => console.log(port, code)).listen(port, () => console.log(port, `BOUND`)).unref()';
    const { output } = await host.try(`podman exec noaa-visualizer node -e '${bind}'`);
    assert.deepEqual(output.trim().split('\n').sort(), ['5555 EACCES', '5556 EACCES']);
    const spaces = await host.op(
      "for s in playback redactor visualizer; do podman exec noaa-$s node -p 'fs.readlinkSync(`/proc/self/ns/ipc`) + fs.statSync(`/dev/shm`).dev'; done",
    );
    assert.equal(new Set(spaces.trim().split('\n')).size, SERVICES.length, spaces);
  },
);

killedAtOnce();

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
