/**
 * The three images as one pod, at native speed, with the options that Quadlet makes of the units. It has no systemd,
 * no user of its own and no reboot.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support/clips.ts';
import { holdPorts } from '../support/held-ports.ts';
import { brightest, decodeJpeg } from '../support/jpeg.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import {
  buildImages,
  CONTAINERS_CONF,
  imageOf,
  podman,
  SERVICES,
  type Service,
  tryPodman,
} from './machine.ts';
import { CAPABILITIES, generate, QUADLET, SECRETS, section, words } from './units.ts';

const POD = `noaa-test-${process.pid}`;
const PORT = await freePort();
const SITE = `http://127.0.0.1:${PORT}`;
const HOST_NAME = 'noaa-test-host';
const nameOf = (service: Service) => `${POD}-${service}`;

/** What systemd, a newer podman or the pod's own unit stand for, and the name that it had there. */
const LEFT_OUT =
  /^(--cidfile=.*|--replace|--rm|-d|--cgroups=split|--sdnotify=healthy|--pull=.*|--read-only-tmpfs=.*|--name=.*|--log-driver=.*|--health-.*|--pod-id-file=.*|-v=.*)$/;
const WITH_VALUE =
  /^(--name|--log-driver|--pull|--health-[a-z-]+|--pod-id-file|-v|--stop-timeout|--pids-limit|--cap-drop|--cap-add|--secret|--env|--ulimit|--hostname)$/;

/** The options of `podman run` in a generated service, less what this podman can't or needn't do. */
function optionsOf(unit: string, image: string): string[] {
  const start = words(section(unit, 'Service').find(([key]) => key === 'ExecStart')?.[1] ?? '');
  const options: string[] = [];
  for (let at = start.indexOf('run') + 1; at < start.length; at += 1) {
    const word = start[at] ?? '';
    if (word === image) break;
    options.push(WITH_VALUE.test(word) ? `${word}=${start[++at]}` : word);
  }
  // Where a unit has no limit, the attacker has as many descriptors as root may set here. Given one limit, podman 4.3 leaves
  // out those of its settings, and takes others that root may not set here.
  const own = options.some(option => option.startsWith('--ulimit=nofile='))
    ? []
    : ['--ulimit=nofile=16384:16384'];
  // systemd replaces %H.
  const kept = options
    .filter(option => !LEFT_OUT.test(option))
    .map(option => option.replace('%H', HOST_NAME));
  return [...kept, ...own, '--ulimit=nproc=2048:2048'];
}

/**
 * The options of `podman pod create` in the pod's generated service, less names, files and what it publishes. The network is
 * left out too: podman of root publishes no port into one that is internal.
 */
function optionsOfPod(unit: string): string[] {
  const create = words(section(unit, 'Service').find(([key]) => key === 'ExecStartPre')?.[1] ?? '');
  const options = create.slice(create.indexOf('create') + 1).filter((word, at, all) => {
    const option = word.startsWith('--') ? word : (all[at - 1] ?? '');
    return !/^--(name|infra-name|publish|network|replace|.*file)\b/.test(option);
  });
  for (const needed of ['--share=net', '--sysctl=net.ipv4.ip_unprivileged_port_start=6000']) {
    assert.ok(options.includes(needed), `the pod lost ${needed}`);
  }
  return options;
}

const inside = (service: Service, script: string) =>
  tryPodman(['exec', nameOf(service), 'node', '--input-type=module', '-e', script]);

/** What `podman run` is given for each service. */
const given = new Map<Service, string[]>();

before(async () => {
  await buildImages();
  const { services } = await generate(QUADLET);
  await using folder = await temporaryFolder();
  for (const secret of new Set(Object.values(SECRETS).flat())) {
    await tryPodman(['secret', 'rm', secret]);
    const file = join(folder.path, secret);
    writeFileSync(file, randomBytes(32).toString('hex'));
    await podman(['secret', 'create', secret, file]);
  }
  const pod = optionsOfPod(services.get('noaa-pod.service') ?? '');
  await podman(['pod', 'create', '--name', POD, '--publish', `127.0.0.1:${PORT}:8050`, ...pod]);
  for (const service of SERVICES) {
    const options = optionsOf(
      services.get(`noaa-${service}.service`) ?? '',
      `localhost/noaa-${service}:latest`,
    );
    for (const needed of ['--read-only', '--cap-drop=all', '--security-opt=no-new-privileges']) {
      assert.ok(options.includes(needed), `${service} lost ${needed}`);
    }
    given.set(service, ['--pod', POD, '--name', nameOf(service), ...options, imageOf(service)]);
    await podman(['run', '--detach', ...(given.get(service) ?? [])]);
  }
});

after(async () => {
  await tryPodman(['pod', 'rm', '--force', '--time', '0', POD]);
  for (const secret of new Set(Object.values(SECRETS).flat())) await tryPodman(['secret', 'rm', secret]);
});

test('the picture comes out of the published port, with a black border around something that is not', async () => {
  await until(async () => (await fetch(`${SITE}/readyz`)).ok, 'the picture', 60_000);
  const answer = await fetch(`${SITE}/snapshot.jpg`);
  assert.equal(answer.status, 200);
  const picture = await decodeJpeg(Buffer.from(await answer.arrayBuffer()));
  const { width, height } = picture;
  assert.ok(width > 300 && height > 300, `${width}×${height}`);
  // Less one block of JPEG, in which what lies inside of the border may ring.
  const edge = 100 - 16;
  const inBorder = (x: number, y: number) => x < edge || y < edge || x >= width - edge || y >= height - edge;
  const most = brightest(picture, inBorder);
  assert.ok(most <= 2, `a pixel of the border has ${most}`);
  assert.ok(brightest(picture, (x, y) => !inBorder(x, y)) > 100);
});

test('the page and its script are in the image', async () => {
  const page = await (await fetch(SITE)).text();
  const script = /<script[^>]* src="([^"]+)"/.exec(page)?.[1] ?? assert.fail('no script in the page');
  const answer = await fetch(new URL(script, SITE));
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type') ?? '', /javascript/);
});

test('nothing but the one port answers from the host', async () => {
  const address = await podman(['inspect', '--format', '{{.NetworkSettings.IPAddress}}', `${await infra()}`]);
  const answers = (host: string, port: number) =>
    new Promise<boolean>(resolve => {
      const socket = connect({ host, port, timeout: 1000 });
      const end = (answered: boolean) => {
        socket.destroy();
        resolve(answered);
      };
      socket.on('connect', () => end(true));
      socket.on('error', () => end(false));
      socket.on('timeout', () => end(false));
    });
  assert.equal(await answers('127.0.0.1', PORT), true);
  assert.match(address, /^\d+\./);
  // By the pod's own address too, which only this host has a way to.
  assert.equal(await answers(address, 8050), true);
  for (const port of [5555, 5556, 5655, 5656]) assert.equal(await answers(address, port), false, `${port}`);
});

async function infra(): Promise<string> {
  return await podman(['pod', 'inspect', '--format', '{{.InfraContainerID}}', POD]);
}

for (const service of SERVICES) {
  describe(`${service} in the pod`, () => {
    test('has no right that it does not need', async () => {
      const [container] = JSON.parse(await podman(['inspect', nameOf(service)]));
      const capabilities = (CAPABILITIES[service] ?? []).map(name => `CAP_${name.toUpperCase()}`);
      assert.deepEqual(container.EffectiveCaps ?? [], capabilities);
      assert.equal(container.HostConfig.ReadonlyRootfs, true);
      assert.ok(container.HostConfig.Memory > 0 && container.HostConfig.Memory <= 2 ** 30);
      assert.ok(container.HostConfig.PidsLimit > 0 && container.HostConfig.PidsLimit <= 256);
      const status = await inside(
        service,
        "import fs from 'node:fs'; console.log(fs.readFileSync('/proc/1/status', 'utf8'))",
      );
      assert.match(status.output, /^NoNewPrivs:\s1$/m);
      // Number 10 is net_bind_service.
      const bits = capabilities.length > 0 ? '0+400' : '0+';
      assert.match(status.output, new RegExp(`^CapEff:\\s${bits}$`, 'm'));
      assert.match(status.output, new RegExp(`^CapBnd:\\s${bits}$`, 'm'));
      assert.match(status.output, /^Seccomp:\s2$/m);
      assert.match(status.output, /^Uid:\s1000[123]\s1000[123]/m);
    });

    // Without /tmp and /run, which podman before 4.7 can't be told to leave out.
    test('cannot write a file to its image', async () => {
      const script = `
        import fs from 'node:fs';
        for (const folder of ['/', '/app', '/var', '/usr/local/bin', '/etc']) {
          try { fs.writeFileSync(folder + '/x', ''); console.log('WROTE', folder); } catch (error) { console.log(error.code); }
        }`;
      const { output, code } = await inside(service, script);
      assert.equal(code, 0, output);
      assert.deepEqual(
        [...new Set(output.trim().split('\n'))].filter(line => !/^(EROFS|EACCES|ENOENT)$/.test(line)),
        [],
      );
    });

    test('cannot have more tasks than it needs', async () => {
      const script = `
        import { spawn } from 'node:child_process';
        const children = []; let refused = 0;
        for (let n = 0; n < 300; n++) {
          const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'ignore' });
          child.on('error', () => {}); if (child.pid) children.push(child); else { refused++; break; }
        }
        for (const child of children) child.kill('SIGKILL');
        console.log('refused', refused, 'of', children.length);`;
      const { output } = await inside(service, script);
      // At the limit Node itself may fail to start a thread, which is a refusal too.
      assert.match(
        output,
        /refused 1 of|EAGAIN|pthread_create|Resource temporarily unavailable|uv_thread_create/,
      );
      await until(async () => (await fetch(`${SITE}/readyz`)).ok, 'the picture after it', 30_000);
    });

    test('is told well from ill by its own health check', async () => {
      const where = service === 'visualizer' ? '127.0.0.1:8050' : 'unix:/tmp/metrics:';
      const check = () =>
        tryPodman(['exec', nameOf(service), 'node', 'apps/common/healthcheck.js', `http://${where}/livez`]);
      assert.equal((await check()).code, 0);
      await podman(['kill', '--signal', 'STOP', nameOf(service)]);
      try {
        const hung = await check();
        assert.equal(hung.code, 1);
        assert.match(hung.output, /did not answer within 8000 ms/);
      } finally {
        await podman(['kill', '--signal', 'CONT', nameOf(service)]);
      }
      await until(async () => (await fetch(`${SITE}/readyz`)).ok, 'the picture after it', 30_000);
    });
  });
}

test('no service sees memory of another, or learns of the host’s proxy', async () => {
  const script = (name: string) =>
    `import fs from 'node:fs'; try { fs.writeFileSync('/dev/shm/${name}', ''); } catch {}
     console.log(JSON.stringify({
       files: fs.existsSync('/dev/shm') ? fs.readdirSync('/dev/shm') : [],
       ipc: fs.readlinkSync('/proc/self/ns/ipc'),
       proxies: Object.keys(process.env).filter(name => /proxy/i.test(name)),
     }));`;
  const seen: { files: string[]; ipc: string; proxies: string[] }[] = [];
  for (const service of SERVICES) {
    const { code, output } = await inside(service, script(`of-${service}`));
    assert.equal(code, 0, output);
    seen.push(JSON.parse(output));
  }
  assert.equal(new Set(seen.map(({ ipc }) => ipc)).size, SERVICES.length);
  for (const [at, { files, proxies }] of seen.entries()) {
    assert.deepEqual(
      files.filter(name => name !== `of-${SERVICES[at]}`),
      [],
    );
    assert.deepEqual(proxies, []);
  }
});

test('each service can read the secrets of its own links, and no other; none is in its settings', async () => {
  const script = `
    import fs from 'node:fs';
    const files = fs.existsSync('/secrets') ? fs.readdirSync('/secrets') : [];
    console.log(JSON.stringify(files.map(name => [name, fs.readFileSync('/secrets/' + name, 'utf8')])));`;
  for (const service of SERVICES) {
    const { code, output } = await inside(service, script);
    assert.equal(code, 0, output);
    const secrets: [string, string][] = JSON.parse(output);
    assert.deepEqual(secrets.map(([name]) => name).sort(), SECRETS[service]);
    const told =
      (await podman(['inspect', nameOf(service)])) + (await tryPodman(['logs', nameOf(service)])).output;
    for (const [, secret] of secrets) {
      assert.match(secret, /^[0-9a-f]{64}$/);
      assert.ok(!told.includes(secret));
    }
  }
});

describe('code in the visualizer’s container', () => {
  /** Subscribes as an attacker would, with nothing and with every secret that lies about; prints how many bytes come. */
  const attack = (port: number) => `
    import { Subscriber } from 'zeromq'; import fs from 'node:fs';
    const secrets = fs.readdirSync('/secrets').map(name => fs.readFileSync('/secrets/' + name, 'utf8').trim());
    const ways = [{}, ...['wrong', ...secrets].map(plainPassword => ({ plainUsername: 'noaa', plainPassword }))];
    for (const way of ways) {
      const socket = new Subscriber({ ...way, linger: 0, receiveTimeout: 5000 });
      socket.connect('tcp://127.0.0.1:${port}');
      socket.subscribe();
      const parts = await socket.receive().catch(() => []);
      console.log(parts.reduce((sum, part) => sum + part.byteLength, 0));
      socket.close();
    }`;
  const bytesFrom = async (port: number) => {
    const { code, output } = await inside('visualizer', attack(port));
    assert.equal(code, 0, output);
    return output.trim().split('\n').map(Number);
  };

  test('gets not one byte of a raw frame, whatever secret it tries', async () => {
    const raw = await bytesFrom(5555);
    assert.ok(raw.length >= 3);
    assert.deepEqual([...new Set(raw)], [0]);
    // It attacks as it should: its own link, and a playback without a secret, give it frames.
    assert.ok(Math.max(...(await bytesFrom(5556))) > 1e6);
    const open = `${POD}-open`;
    const settings = { PLAYBACK_HOST: '127.0.0.1', PLAYBACK_PORT: 6557, METRICS_PORT: 6655 };
    const options = Object.entries(settings).map(([name, value]) => `--env=${name}=${value}`);
    await podman(['run', '--detach', '--pod', POD, '--name', open, ...options, imageOf('playback')]);
    try {
      await until(
        async () => Math.max(...(await bytesFrom(6557))) > 1e6,
        'raw frames without a secret',
        60_000,
      );
      // The attack below would find metrics that are on a port.
      const metrics = await inside(
        'visualizer',
        "console.log((await fetch('http://127.0.0.1:6655/metrics')).status)",
      );
      assert.equal(metrics.output.trim(), '200');
    } finally {
      await podman(['rm', '--force', '--time', '0', open]);
    }
  });
});

test('code in the visualizer’s container gets nothing in a minute, while its neighbours are killed again and again', async () => {
  const attacker = readFileSync(fileURLToPath(new URL('../support/attacker.ts', import.meta.url)), 'utf8');
  const program = [
    'node',
    '--input-type=module-typescript',
    '-e',
    attacker,
    '--',
    'attacker',
    '5555',
    '5556',
    '60',
  ];
  const attack = tryPodman(['exec', nameOf('visualizer'), ...program]);
  let over = false;
  void attack.finally(() => {
    over = true;
  });
  let killed = 0;
  while (!over) {
    for (const service of ['playback', 'redactor'] as const) {
      await tryPodman(['kill', nameOf(service)]);
      await podman(['start', nameOf(service)]);
      killed += 1;
    }
    await until(async () => over || (await fetch(`${SITE}/readyz`)).ok, 'the picture under attack', 60_000);
    for (const service of ['playback', 'redactor'] as const) {
      const check = ['node', 'apps/common/healthcheck.js', 'http://unix:/tmp/metrics:/livez'];
      const isWell = async () => (await tryPodman(['exec', nameOf(service), ...check])).code === 0;
      await until(async () => over || (await isWell()), `${service} to be healthy under attack`, 30_000);
    }
  }
  const { code, output } = await attack;
  assert.equal(code, 0, output);
  const got = JSON.parse(output.trim().split('\n').at(-1) ?? '');
  assert.ok(killed >= 4, `${killed} neighbours were killed`);
  assert.ok(got.bytes < 400, `${got.bytes} bytes, more than a handshake`);
  assert.deepEqual([got.bound, got.said, got.socketBytes, got.seen], [[], [], 0, []]);
  assert.ok(got.halfOpen > 10_000, `${got.halfOpen} connections without a handshake`);
  assert.deepEqual([got.scanned, got.open], [2 * 65_535, [5555, 5556, 8050]]);
  await until(async () => (await fetch(`${SITE}/readyz`)).ok, 'the picture after it', 60_000);
});

describe('memory that processes share, and their own', () => {
  const code = readFileSync(fileURLToPath(new URL('../support/ipc.ts', import.meta.url)), 'utf8');
  const node = ['node', '--input-type=module-typescript', '-e', code, '--'];
  const started: string[] = [];
  after(async () => {
    await tryPodman(['rm', '--force', '--time', '0', ...started]);
    await tryPodman(['pod', 'rm', '--force', '--time', '0', `${POD}-shared`]);
  });

  /** What a process in a container of a pod finds of what one in another container of it holds. */
  async function foundIn(pod: string): Promise<string[]> {
    const holder = `${pod}-holder`;
    const run = [
      'run',
      '--pod',
      pod,
      '--cap-drop=all',
      '--security-opt=no-new-privileges',
      '--entrypoint',
      'node',
    ];
    // As the attacker's own user, who has koffi in its image: nothing but the pod's options keeps them apart.
    const image = imageOf('visualizer');
    await podman([...run, '--detach', '--name', holder, image, ...node.slice(1), 'hold']);
    started.push(holder);
    await until(
      async () => (await podman(['logs', holder])).includes('holds it'),
      'what is to be found',
      20_000,
    );
    return JSON.parse(await podman([...run, '--rm', image, ...node.slice(1), 'find']));
  }

  test('is out of reach in the pod, and every way to it works in one that shares all it can', async () => {
    assert.deepEqual(await foundIn(POD), []);
    await podman(['pod', 'create', '--name', `${POD}-shared`, '--share=net,ipc,pid']);
    assert.deepEqual(await foundIn(`${POD}-shared`), [
      'System V shared memory',
      'System V messages',
      'POSIX shared memory',
      'POSIX messages',
      'process_vm_readv',
      'ptrace',
    ]);
  });
});

test('with its neighbours dead the visualizer can bind no port of frames, and they come back', async () => {
  const script = `
    import { createServer } from 'node:net';
    for (const port of [5555, 5556, 5557]) {
      const server = createServer().listen(port, '127.0.0.1');
      server.on('error', error => console.log(port, error.code));
      server.on('listening', () => { console.log(port, 'BOUND'); server.close(); });
    }`;
  for (const service of ['playback', 'redactor'] as const) await podman(['kill', nameOf(service)]);
  try {
    const { output } = await inside('visualizer', script);
    assert.deepEqual(output.trim().split('\n').sort(), ['5555 EACCES', '5556 EACCES', '5557 EACCES']);
  } finally {
    for (const service of ['playback', 'redactor'] as const) await podman(['start', nameOf(service)]);
  }
  await until(async () => (await fetch(`${SITE}/readyz`)).ok, 'the picture after it', 30_000);
});

test('a service that is gone leaves its neighbours alive, and the picture comes back with it', async () => {
  for (const service of SERVICES) {
    const others = SERVICES.filter(other => other !== service);
    const started = async () =>
      Promise.all(
        others.map(other => podman(['inspect', '--format', '{{.State.StartedAt}}', nameOf(other)])),
      );
    const earlier = await started();
    await podman(['kill', '--signal', 'KILL', nameOf(service)]);
    if (service !== 'visualizer') {
      const status = async () => (await (await fetch(`${SITE}/status`)).json()) as { state: string };
      await until(async () => (await status()).state !== 'live', 'a status that says so', 15_000);
      assert.equal(
        (await fetch(`${SITE}/livez`)).status,
        200,
        'the visualizer calls itself dead for a neighbour',
      );
    }
    await podman(['start', nameOf(service)]);
    await until(async () => (await fetch(`${SITE}/readyz`)).ok, `the picture without ${service}`, 30_000);
    assert.deepEqual(await started(), earlier);
  }
});

test('every service has the addon by which it gives free memory back, without a file to write or a right', async () => {
  for (const service of SERVICES) {
    const script = "console.log(require('node:fs').readFileSync('/proc/1/maps', 'utf8'))";
    const isLoaded = async () => {
      const { stdout } = await tryPodman(['exec', nameOf(service), 'node', '-e', script]);
      return /r-xp .* \/app\/node_modules\/@koromix\/\S+\/koffi\.node$/m.test(stdout);
    };
    // It is loaded when it is needed first, 15 s after a start.
    await until(isLoaded, `koffi in ${service}`, 40_000);
  }
});

test('what was measured fits the limits', async t => {
  await until(async () => (await fetch(`${SITE}/readyz`)).ok, 'the picture', 30_000);
  for (const service of SERVICES) {
    const [stats] = JSON.parse(await podman(['stats', '--no-stream', '--format', 'json', nameOf(service)]));
    t.diagnostic(`${service}: ${stats.mem_usage} ${stats.mem_percent}, ${stats.pids} tasks`);
    assert.ok(
      Number.parseFloat(stats.mem_percent) < 70,
      `${service} uses ${stats.mem_percent} of its memory`,
    );
  }
});

test('a port that is held outside leads into the pod, with the client’s own address, and refuses nobody while the visualizer is killed', async t => {
  await podman(['rm', '--force', '--time', '0', nameOf('visualizer')]);
  await using held = await holdPorts();
  const [port = 0] = held.ports;
  const ask = (path: string, localAddress = '127.0.0.1', headers = {}) =>
    new Promise<{ code: number; body: string }>((resolve, reject) => {
      get({ host: '127.0.0.1', port, path, localAddress, headers, agent: false }, async answer =>
        resolve({ code: answer.statusCode ?? 0, body: await text(answer) }),
      ).on('error', reject);
    });
  const live = async () => (await ask('/readyz')).code === 200;
  await held.start(['podman', 'run', '--detach', ...(given.get('visualizer') ?? [])], { CONTAINERS_CONF });
  await until(live, 'the picture at the held port', 60_000);
  assert.deepEqual(JSON.parse((await ask('/status', '127.0.0.9')).body).client, { address: '127.0.0.9' });
  // The host's own name, which the unit gives the container.
  assert.equal((await ask('/livez', '127.0.0.1', { host: `${HOST_NAME}:8050` })).code, 200);
  assert.equal((await ask('/livez', '127.0.0.1', { host: 'evil.example' })).code, 421);
  const check = ['node', 'apps/common/healthcheck.js', 'http://127.0.0.1:8050/livez'];
  assert.equal((await tryPodman(['exec', nameOf('visualizer'), ...check])).code, 0);

  let [over, connected, refused] = [false, 0, 0];
  const knocking = (async () => {
    while (!over) {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect').then(
        () => connected++,
        () => refused++,
      );
      socket.destroy();
      await new Promise(resolve => setTimeout(resolve, 10));
    }
  })();
  for (const signal of ['KILL', 'TERM']) {
    await podman(['kill', '--signal', signal, nameOf('visualizer')]);
    await podman(['wait', nameOf('visualizer')]);
    const from = performance.now();
    await held.start(['podman', 'start', nameOf('visualizer')], { CONTAINERS_CONF });
    await until(live, 'the picture again', 30_000);
    t.diagnostic(`the picture ${Math.round(performance.now() - from)} ms after the start`);
  }
  over = true;
  await knocking;
  t.diagnostic(`${connected} connects, ${refused} refused`);
  assert.ok(connected > 20);
  assert.equal(refused, 0);
});

test('the whole pod stops within five seconds', async () => {
  const from = performance.now();
  await podman(['pod', 'stop', '--time', '5', POD]);
  assert.ok(performance.now() - from < 5000, `${Math.round(performance.now() - from)} ms`);
});
