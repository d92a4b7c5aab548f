import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { schema as playback } from '../../apps/playback/config.ts';
import { schema as redactor } from '../../apps/redactor/config.ts';
import { schema as visualizer } from '../../apps/visualizer/config.ts';
import { temporaryFolder } from '../support/clips.ts';
import { ok, prepare, SERVICES, TREE } from './machine.ts';
import {
  faultsOfContainer,
  faultsOfNetwork,
  faultsOfPod,
  faultsOfSocket,
  generate,
  KEYS_OF_5_0,
  QUADLET,
  section,
  withChanged,
  words,
} from './units.ts';

const SCHEMAS = { playback, redactor, visualizer };
const read = (name: string) => readFileSync(join(QUADLET, name), 'utf8');

before(() => prepare());

test('podman 5.4 makes a service of the pod and of each container, and each says what it must', async () => {
  const { services, ran } = await generate(QUADLET);
  assert.equal(ran.code, 0, ran.output);
  assert.deepEqual([...services.keys()].sort(), [
    'noaa-network.service',
    'noaa-playback.service',
    'noaa-pod.service',
    'noaa-redactor.service',
    'noaa-visualizer.service',
  ]);
  assert.deepEqual(faultsOfNetwork(services.get('noaa-network.service') ?? ''), []);
  assert.deepEqual(faultsOfPod(services.get('noaa-pod.service') ?? ''), []);
  for (const service of SERVICES) {
    assert.deepEqual(faultsOfContainer(services.get(`noaa-${service}.service`) ?? ''), [], service);
  }
});

test('systemd holds the port, on the loopback, through every restart of the pod', () => {
  const socket = read('noaa.socket');
  assert.deepEqual(faultsOfSocket(socket), []);
  for (const [what, from, to] of [
    ['it listens elsewhere', '127.0.0.1:8050', '8050'],
    ['it leads elsewhere', 'noaa-visualizer.service', 'noaa-redactor.service'],
    ['for each connection', '[Socket]', '[Socket]\nAccept=yes'],
    ['it outlives the pod', /StopWhenUnneeded=.*/, ''],
    ["closes with the pod's restart", '[Unit]', '[Unit]\nPartOf=noaa-pod.service'],
    ["closes with the pod's restart", '[Unit]', '[Unit]\nStopPropagatedFrom=noaa-pod.service'],
    ['give up', 'TriggerLimitIntervalSec=0', ''],
  ] as const)
    assert.match(faultsOfSocket(socket.replace(from, to)).join(), new RegExp(what));
});

test('no unit has a key that podman 5.0 does not know', () => {
  for (const name of readdirSync(QUADLET).filter(file => /\.(network|pod|container)$/.test(file))) {
    const kind = name.endsWith('.pod') ? 'Pod' : name.endsWith('.network') ? 'Network' : 'Container';
    for (const part of [kind, 'Quadlet']) {
      const keys = section(read(name), part).map(([key]) => key);
      assert.ok(keys.length > 0);
      assert.deepEqual(
        keys.filter(key => !KEYS_OF_5_0[part]?.includes(key)),
        [],
        name,
      );
    }
  }
});

test('the folder is flat, as podman quadlet install wants it', () => {
  for (const name of readdirSync(QUADLET)) assert.ok(statSync(join(QUADLET, name)).isFile(), name);
});

describe('units that are bad are refused: ', () => {
  const generated = (unit: string, name: string, change: (text: string) => string) =>
    withChanged(unit, change, async folder => (await generate(folder)).services.get(name));

  test('one with a key of a later podman makes no service', async () => {
    const later = (text: string) => text.replace('[Container]', '[Container]\nMemory=1g');
    assert.equal(await generated('noaa-redactor.container', 'noaa-redactor.service', later), undefined);
  });

  test('one of a pod that is not there makes no service', async () => {
    const other = (text: string) => text.replace('Pod=noaa.pod', 'Pod=other.pod');
    assert.equal(await generated('noaa-redactor.container', 'noaa-redactor.service', other), undefined);
  });

  const changes: [what: string, from: string | RegExp, to: string][] = [
    ['its root may be written to', 'ReadOnly=true', 'ReadOnly=false'],
    ['it has tmpfs', 'ReadOnlyTmpfs=false', ''],
    ['it keeps capabilities', 'DropCapability=all', 'DropCapability=CAP_CHOWN'],
    ['it may gain privileges', 'NoNewPrivileges=true', ''],
    ['it runs unconfined', '[Container]', '[Container]\nSeccompProfile=unconfined'],
    ['its number of tasks', /PidsLimit=\d+/, 'PidsLimit=100000'],
    ['its memory', /PodmanArgs=--memory=.*/, ''],
    ['started before it is healthy', 'Notify=healthy', ''],
    ['needs a shell', /HealthCmd=.*/, 'HealthCmd=curl localhost'],
    ['a busy host', 'HealthStartupRetries=0', 'HealthStartupRetries=3'],
    ['its start waits', /(HealthStartupCmd=.*)livez/, '$1readyz'],
    ['never given up', 'TimeoutStartSec=300', 'TimeoutStartSec=infinity'],
    ['a hung one is left alone', 'HealthOnFailure=kill', ''],
    ['publishes a port', '[Container]', '[Container]\nPublishPort=5556:5556'],
    ['fetched from somewhere', 'Pull=never', 'Pull=newer'],
    ['does not come back', 'Restart=always', 'Restart=no'],
    ['loses patience', /TimeoutStopSec=.*/, 'TimeoutStopSec=2'],
    ['on a slow host', /TimeoutStopSec=.*/, 'TimeoutStopSec=15'],
    ['waits for the network', 'DefaultDependencies=false', 'DefaultDependencies=true'],
    ['connections can fill', /Ulimit=.*/, ''],
    ['a core dump', 'Ulimit=core=0:0', ''],
    ['fill the disk', '[Container]', '[Container]\nVolume=%h/x:/ended-sessions:z'],
    ['take its processor', /CPUWeight=.*/, ''],
    ['its metrics are on a port', 'METRICS_PORT=0', 'METRICS_PORT=5656'],
    ['a socket of others', '[Service]', '[Service]\nSockets=noaa.socket'],
    ['a secret of others', 'Secret=noaa-playback', 'Secret=noaa-other'],
    ['a secret of others', /Secret=noaa-playback.*/, ''],
    ['others may read', ',mode=0400', ''],
    ['others may read', ',mode=0400', ',mode=0400,type=env,target=X'],
    ['given the proxy', 'PodmanArgs=--http-proxy=false', ''],
    ['keeps capabilities', 'NET_BIND_SERVICE', 'NET_BIND_SERVICE SYS_ADMIN'],
    ['leaves the pod', 'REDACTOR_HOST=127.0.0.1', 'REDACTOR_HOST=*'],
    ['may write to a volume', '[Container]', '[Container]\nVolume=%h/out:/out'],
  ];
  for (const [what, from, to] of changes) {
    test(what, async () => {
      const service = await generated('noaa-redactor.container', 'noaa-redactor.service', text =>
        text.replace(from, to),
      );
      assert.match(faultsOfContainer(service ?? assert.fail('no service')).join('\n'), new RegExp(what));
    });
  }

  test('a visualizer that is given the secret of raw frames', async () => {
    const given = (text: string) => text.replace('Secret=', 'Secret=noaa-playback,mode=0400\nSecret=');
    const service = await generated('noaa-visualizer.container', 'noaa-visualizer.service', given);
    assert.match(faultsOfContainer(service ?? '').join(), /a secret of others/);
  });

  test('a visualizer that can bind the ports of frames', async () => {
    const able = (text: string) => text.replace('[Container]', '[Container]\nAddCapability=NET_BIND_SERVICE');
    const service = await generated('noaa-visualizer.container', 'noaa-visualizer.service', able);
    assert.match(faultsOfContainer(service ?? '').join(), /keeps capabilities/);
  });

  for (const [what, from, to] of [
    ['memory and IPC in common', 'PodmanArgs=--share=net', ''],
    ['memory and IPC in common', '--share=net', '--share=net,ipc'],
    ['bind the ports of frames', 'start=6000', 'start=1024'],
    ['waits for the network', 'DefaultDependencies=false', ''],
    ['network that leads out', 'Network=noaa.network', ''],
    ['on a slow host', /TimeoutStopSec=.*/, ''],
  ] as const) {
    test(`a pod: ${what}`, async () => {
      const service = await generated('noaa.pod', 'noaa-pod.service', text => text.replace(from, to));
      assert.match(faultsOfPod(service ?? '').join(), new RegExp(what));
    });
  }

  for (const [what, from] of [
    ['leads out', 'Internal=true'],
    ['names are resolved', 'DisableDNS=true'],
    ['another name', 'NetworkName=noaa'],
    ['waits for the network', 'DefaultDependencies=false'],
  ] as const) {
    test(`a network: ${what}`, async () => {
      const service = await generated('noaa.network', 'noaa-network.service', text => text.replace(from, ''));
      assert.match(faultsOfNetwork(service ?? '').join(), new RegExp(what));
    });
  }

  test('a pod that publishes to the network', async () => {
    const wide = (text: string) => text.replace('[Pod]', '[Pod]\nPublishPort=8050:8050');
    const service = await generated('noaa.pod', 'noaa-pod.service', wide);
    assert.match(faultsOfPod(service ?? '').join(), /it publishes 8050:8050/);
  });

  test('a pod that ends with its last container', async () => {
    const ends = (text: string) => text.replace('PodmanArgs=--exit-policy=continue', '');
    const service = await generated('noaa.pod', 'noaa-pod.service', ends);
    assert.match(faultsOfPod(service ?? '').join(), /ends for good/);
  });
});

test('every variable of a service is fixed by its unit or taken from the settings', async () => {
  const { services } = await generate(QUADLET);
  for (const service of SERVICES) {
    const unit = services.get(`noaa-${service}.service`) ?? '';
    const start = words(section(unit, 'Service').find(([key]) => key === 'ExecStart')?.[1] ?? '');
    const known = new Set([
      ...start.flatMap((word, at) => (start[at - 1] === '--env' ? [word.split('=')[0] ?? ''] : [])),
      ...start.flatMap(word => (word.startsWith('--env=') ? [word.slice(6)] : [])),
    ]);
    assert.deepEqual([...known].sort(), Object.keys(SCHEMAS[service]).sort(), service);
  }
});

test('the settings file names variables that a unit takes, and sets none', () => {
  const lines = read('settings.env').split('\n');
  assert.deepEqual(
    lines.filter(line => /^[A-Z]/.test(line)),
    [],
  );
  const taken = SERVICES.map(service => read(`noaa-${service}.container`)).join('\n');
  for (const line of lines) {
    const name = /^#([A-Z_]+)=/.exec(line)?.[1];
    if (name) assert.match(taken, new RegExp(`--env=${name}\\b`));
  }
});

test('every drop-in that is shown by example leaves the units whole', async () => {
  const examples = join(TREE, 'examples/drop-ins');
  for (const folder of readdirSync(examples)) {
    const files = readdirSync(join(examples, folder));
    assert.ok(existsSync(join(QUADLET, folder.replace(/\.d$/, ''))), folder);
    for (const file of files) {
      assert.match(file, /\.conf$/);
      const keys = section(
        readFileSync(join(examples, folder, file), 'utf8'),
        { 'noaa.pod.d': 'Pod', 'noaa.socket.d': 'Socket' }[folder] ?? 'Container',
      );
      assert.ok(keys.length > 0, file);
    }
  }
  await using whole = await temporaryFolder();
  await ok('cp', ['-r', `${QUADLET}/.`, `${examples}/.`, whole.path]);
  const { services, ran } = await generate(whole.path);
  assert.equal(ran.code, 0, ran.output);
  assert.equal(services.size, 5);
  const pod = services.get('noaa-pod.service') ?? '';
  assert.match(pod, /--publish 127\.0\.0\.1:8050:8050/);
  // Under this name alone the socket leaves the port to podman.
  assert.match(
    read('noaa.socket'),
    /^ConditionPathExists=!%E\/containers\/systemd\/noaa\.pod\.d\/published\.conf$/m,
  );
  assert.deepEqual(readdirSync(join(examples, 'noaa.pod.d')), ['published.conf']);
});
