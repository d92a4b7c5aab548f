/**
 * npm run test:kube-play: the origin from kubernetes/overlays/single-host, played by rootless podman on a real Debian 13, as
 * docs/scale.md says. It needs kubectl on this machine, and none on that one.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { FOLDER, renderText, SINGLE_HOST } from '../kubernetes/manifests.ts';
import { until } from '../support/until.ts';
import { assertRedacted, closeTunnel, host, loadImages, onHost, site, snapshot, step } from './deployment.ts';
import { SERVICES, type Service } from './machine.ts';
import { seenThroughTunnel } from './steps.ts';

const CLIP = 'data/NOAA_GOES_17_satellite_imagery.mp4';
const containers = new Map<string, string>();

/** Returns what podman knows of the container of a service. */
const inspect = (service: Service, format: string) =>
  host.op(`podman inspect --format '${format}' ${containers.get(service)}`);
const inside = (service: Service, script: string) =>
  host.op(`podman exec ${containers.get(service)} node -p ${JSON.stringify(script)}`);
const write = (name: string, text: string) =>
  host.op(`echo ${Buffer.from(text).toString('base64')} | base64 -d >${name}`);

let yaml = '';
/** Plays the file, with whatever it has instead of what ran before. */
const play = async () => {
  await write('noaa.yaml', yaml);
  return host.op('podman kube play --replace noaa.yaml', 600_000);
};

onHost('trixie');

step('images and a clip of one’s own come in', async say => {
  say(await host.op('podman --version'));
  // Otherwise containers end with the last session of their user.
  await host.root('loginctl enable-linger op');
  await loadImages();
  for (const service of SERVICES)
    await host.op(`podman tag localhost/noaa-${service}:candidate localhost/noaa-${service}:latest`);
  await host.op('podman volume create noaa-clips');
  await host.op('tar -C /mnt/payload -cf - small.mp4 | podman volume import noaa-clips -');
});

step('podman kube play starts the origin', async say => {
  // The sample is more than an emulated processor decodes beside all else.
  const text = renderText(join(FOLDER, SINGLE_HOST));
  assert.ok(text.includes(CLIP));
  yaml = text.replace(CLIP, '/clips/small.mp4');
  for (const link of ['playback', 'redactor']) {
    const secret = (await host.op("head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \\n'")).trim();
    const data = { secret: Buffer.from(secret).toString('base64') };
    const object = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `noaa-${link}` },
      type: 'Opaque',
      data,
    };
    await write('secret.yaml', JSON.stringify(object));
    await host.op('podman kube play secret.yaml');
  }
  say(await play());
  for (const name of (await host.op("podman ps --format '{{.Names}}'")).split('\n')) {
    const service = SERVICES.find(each => name.endsWith(`-${each}`));
    if (service) containers.set(service, name);
  }
  assert.deepEqual([...containers.keys()].sort(), [...SERVICES]);
});

seenThroughTunnel(300_000);

step('each container has the rights of the manifest, and no others', async () => {
  for (const [service, user] of [
    ['playback', '10001'],
    ['redactor', '10002'],
    ['visualizer', '10003'],
  ] as const) {
    const caps = service === 'visualizer' ? '' : 'CAP_NET_BIND_SERVICE';
    assert.equal(
      await inspect(service, '{{.HostConfig.ReadonlyRootfs}} {{.EffectiveCaps}}'),
      `true [${caps}]`,
    );
    assert.match(await inspect(service, '{{.HostConfig.SecurityOpt}}'), /no-new-privileges/);
    const status = await inside(service, "require('fs').readFileSync('/proc/self/status','utf8')");
    for (const line of [
      new RegExp(`^Uid:\\t${user}\\t`, 'm'),
      service === 'visualizer' ? /^CapEff:\t0+$/m : /^CapEff:\t0+400$/m,
      /^NoNewPrivs:\t1$/m,
      // podman's own profile.
      /^Seccomp:\t2$/m,
    ])
      assert.match(status, line, service);
    const limit = service === 'redactor' ? 2 ** 29 : 2 ** 30;
    assert.equal(await inspect(service, '{{.HostConfig.Memory}}'), String(limit));
    const mine = await inside(service, "require('fs').readdirSync('/secrets').join()");
    assert.equal(
      mine,
      { playback: 'playback', redactor: 'playback,redactor', visualizer: 'redactor' }[service],
    );
  }
});

step('the visualizer can bind no port of frames', async () => {
  const bind = (port: number) =>
    inside(
      'visualizer',
      `require('net').createServer().on('error', error => { console.log(error.code); process.exit() }).listen(${port}, '127.0.0.1', () => { console.log('bound'); process.exit() }).unref(), ''`,
    );
  assert.match(await bind(5999), /EACCES/);
  assert.match(await bind(6001), /bound/);
});

step('only the port of the picture is published, on the loopback', async () => {
  const listening = await host.op("ss -Hltn | awk '{print $4}' | grep -E ':(5555|5556|8050|9101|9102)$'");
  assert.equal(listening, '127.0.0.1:8050');
});

step('another mask is in force when the file is played again', async () => {
  const mask = async () => (await (await fetch(site('/status'))).json()) as { mask: string | null };
  const { mask: before } = await mask();
  yaml = yaml.replace('"top": 0.05', '"top": 0.45');
  await play();
  await until(async () => ![before, null].includes((await mask()).mask), 'another mask', 300_000);
  assertRedacted(await snapshot(), 100);
});

step('podman kube down leaves nothing running', async () => {
  await closeTunnel();
  await host.op('podman kube down noaa.yaml', 300_000);
  assert.equal(await host.op('podman ps -aq; podman pod ls -q'), '');
});
