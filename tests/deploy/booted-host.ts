/**
 * npm run test:deploy: the pod on a real Debian 13 with systemd, Quadlet and rootless podman, installed as the README says
 * and looked at from outside. Steps build on one another, in the order of a deployment's life.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { brightest, type Decoded, decodeJpeg } from '../support/jpeg.ts';
import { bootHost, type Host } from './host.ts';
import { buildImages, eventually, prepare, SERVICES, type Service } from './machine.ts';

let host: Host;
let web: Awaited<ReturnType<Host['tunnel']>>;
let failed = false;

const site = (path: string) => `http://127.0.0.1:${web.port}${path}`;
const noaa = (args: string) => `noaa-pod/quadlet/noaa ${args}`;

/** A step of a deployment's life: after one that failed the next would only mislead. */
function step(name: string, body: (say: (message: string) => void) => Promise<void>): void {
  test(name, { timeout: 20 * 60_000 }, async t => {
    if (failed) return t.skip('an earlier step failed');
    const from = host?.seconds() ?? 0;
    try {
      await body(message => t.diagnostic(message));
      t.diagnostic(`${host.seconds() - from} s`);
    } catch (thrown) {
      failed = true;
      const look =
        'systemctl --user --no-pager --lines=0 status "noaa-*"; podman ps -a; journalctl --user --no-pager -n 60; uptime';
      t.diagnostic((await host.try(look)).output);
      throw thrown;
    }
  });
}

const snapshot = async () => {
  const answer = await fetch(site('/snapshot.jpg'), { signal: AbortSignal.timeout(20_000) });
  assert.equal(answer.status, 200);
  return decodeJpeg(Buffer.from(await answer.arrayBuffer()));
};
const isLive = async () => (await fetch(site('/readyz'), { signal: AbortSignal.timeout(10_000) })).ok;
const live = (what: string, timeoutMs = 300_000) => eventually(`the live picture ${what}`, timeoutMs, isLive);

function assertRedacted(picture: Decoded, borderPx: number): void {
  const { width, height } = picture;
  // Less one block of JPEG, in which what lies inside of the border may ring.
  const edge = borderPx - 16;
  const inBorder = (x: number, y: number) => x < edge || y < edge || x >= width - edge || y >= height - edge;
  const most = brightest(picture, inBorder);
  assert.ok(most <= 2, `a pixel of the border has ${most}`);
  assert.ok(brightest(picture, (x, y) => !inBorder(x, y)) > 100, 'all of the picture is dark');
}

/** When each container was started: one that was left alone keeps its time. */
const startedAt = async () => {
  const format = '{{.Name}} {{.State.StartedAt}}';
  const lines = await host.op(
    `podman inspect --format '${format}' ${SERVICES.map(name => `noaa-${name}`).join(' ')}`,
  );
  return new Map(lines.split('\n').map(line => [line.split(' ')[0] ?? '', line]));
};
const pidOf = (service: Service) => host.op(`podman inspect --format '{{.State.Pid}}' noaa-${service}`);

/** Until every unit is active, which needs a healthy container, and the picture is live. */
const allWell = (what: string, timeoutMs = 400_000) =>
  eventually(`everything well ${what}`, timeoutMs, async () => (await host.try(noaa('status'))).code === 0);

before(async () => {
  await prepare('host');
  await buildImages();
  host = await bootHost();
});

after(async () => {
  await web?.[Symbol.asyncDispose]();
  await host?.[Symbol.asyncDispose]();
});

step('a host without lingering is told so, with the remedy', async say => {
  say(`up after ${host.seconds()} s`);
  const { code, output } = await host.try(noaa('check'));
  assert.equal(code, 1, output);
  assert.match(output, /services of op end at logout.*\n {6}→ loginctl enable-linger/);
  assert.match(output, /1 to fix/);
  await host.root('loginctl enable-linger op');
  const again = await host.try(noaa('check'));
  assert.equal(again.code, 0, again.output);
});

step('images come in, one command installs, and starts nothing yet', async () => {
  await host.op(
    'for s in playback redactor visualizer; do podman load --quiet --input /mnt/payload/noaa-$s.tar; done',
    900_000,
  );
  const dry = await host.op(noaa('install --dry-run'));
  assert.match(dry, /^\+ install -m 0644 \S+noaa\.pod/m);
  assert.equal((await host.try('ls ~/.config/containers/systemd')).code, 2);
  await host.op(noaa('install'));
  assert.equal((await host.try(noaa('status'))).code, 3);
  const again = await host.op(noaa('install'));
  assert.doesNotMatch(again, /install -m/, 'a second install changes something');
  // The sample's 30 frames a second of 1080p are more than an emulated processor decodes beside all else.
  await host.op('cp /mnt/payload/small.mp4 ~/.local/share/noaa-pod/clips/');
  await host.op('echo DATA_FILE=/clips/small.mp4 >> ~/.config/noaa-pod/settings.env');
});

step('systemctl --user start noaa-pod starts it all, and every unit turns active and healthy', async say => {
  await host.op('systemctl --user start noaa-pod');
  await allWell('after the first start', 600_000);
  say(await host.op(noaa('status')));
  for (const unit of ['pod', ...SERVICES]) {
    assert.equal(await host.op(`systemctl --user is-active noaa-${unit}.service`), 'active');
  }
  const ps = await host.op("podman ps --format '{{.Names}} {{.Status}}'");
  for (const service of SERVICES) assert.match(ps, new RegExp(`noaa-${service} Up .*\\(healthy\\)`));
  assert.match(ps, /^noaa-infra Up/m);
  assert.equal(ps.trim().split('\n').length, 4);
});

step('redacted frames come through the tunnel', async () => {
  web = await host.tunnel(8050);
  await live('through the tunnel', 60_000);
  const picture = await snapshot();
  assert.deepEqual([picture.width, picture.height], [320, 240]);
  assertRedacted(picture, 100);
});

step('only 8050 answers on the host, and only on its loopback', async () => {
  const listening = await host.root('ss -Hltn');
  const noaas = listening
    .split('\n')
    .flatMap(line => /\s(\S+:(?:8050|5555|5556|9101|9102))\s/.exec(line)?.[1] ?? []);
  assert.deepEqual(noaas, ['127.0.0.1:8050']);
  for (const port of [5555, 5556, 9101, 9102]) {
    assert.notEqual(
      (await host.try(`timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}'`)).code,
      0,
      `${port} answers`,
    );
  }
  const own = (await host.op('hostname -I')).split(' ')[0];
  assert.notEqual(
    (await host.try(`timeout 5 bash -c 'exec 3<>/dev/tcp/${own}/8050'`)).code,
    0,
    'the network has 8050',
  );
});

step('each service has its own journal', async () => {
  for (const service of SERVICES) {
    const lines = await host.op(`journalctl --user --no-pager --output=cat -u noaa-${service}`);
    assert.match(lines, new RegExp(`"service":"${service}"`));
    const others = SERVICES.filter(other => other !== service);
    for (const other of others) assert.doesNotMatch(lines, new RegExp(`"service":"${other}"`));
  }
});

step('every hardening key is in force', async () => {
  const uidOfOp = await host.op('id -u');
  for (const service of SERVICES) {
    const [container] = JSON.parse(await host.op(`podman inspect noaa-${service}`));
    assert.deepEqual(container.EffectiveCaps ?? [], []);
    assert.deepEqual(container.BoundingCaps ?? [], []);
    assert.equal(container.HostConfig.ReadonlyRootfs, true);
    assert.ok(container.HostConfig.SecurityOpt.includes('no-new-privileges'));
    const status = await host.root(`cat /proc/${container.State.Pid}/status`);
    assert.match(status, /^NoNewPrivs:\s1$/m);
    assert.match(status, /^CapEff:\s0+$/m);
    assert.match(status, /^CapBnd:\s0+$/m);
    assert.match(status, /^Seccomp:\s2$/m);
    // A user of the mapped range: neither root nor the operator.
    const uid = Number(/^Uid:\s(\d+)/m.exec(status)?.[1]);
    assert.ok(uid >= 100_000 && String(uid) !== uidOfOp, `uid ${uid}`);
    const group = (await host.root(`cat /proc/${container.State.Pid}/cgroup`)).replace(/^0::/, '');
    assert.match(group, new RegExp(`noaa-${service}\\.service`));
    assert.equal(
      await host.root(`cat /sys/fs/cgroup${group}/memory.max`),
      String(container.HostConfig.Memory),
    );
    assert.equal(await host.root(`cat /sys/fs/cgroup${group}/memory.swap.max`), '0');
    assert.equal(
      await host.root(`cat /sys/fs/cgroup${group}/pids.max`),
      String(container.HostConfig.PidsLimit),
    );
  }
});

step('from inside, writing, gaining rights and forking without end all fail', async () => {
  const script = `
    import fs from 'node:fs'; import { spawn } from 'node:child_process';
    for (const folder of ['/', '/app', '/tmp', '/run', '/var', '/etc']) {
      try { fs.writeFileSync(folder + '/x', ''); console.log('WROTE', folder); } catch (error) { console.log(folder, error.code); }
    }
    try { process.setuid(0); console.log('GAINED'); } catch (error) { console.log('setuid', error.code); }
    try { fs.readFileSync('/etc/shadow'); console.log('READ'); } catch (error) { console.log('shadow', error.code); }
    const children = [];
    for (let n = 0; n < 60; n++) {
      const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 1e5)'], { stdio: 'ignore' });
      child.on('error', () => {}); if (!child.pid) { console.log('fork refused after', n); break; } children.push(child);
    }
    for (const child of children) child.kill('SIGKILL');
  `.replaceAll('\n', ' ');
  const { output } = await host.try(
    `podman exec noaa-redactor node --input-type=module -e ${JSON.stringify(script).replaceAll('$', '\\$')}`,
  );
  assert.doesNotMatch(output, /WROTE|GAINED|READ/);
  assert.match(output, /setuid EPERM/);
  assert.match(
    output,
    /fork refused after|EAGAIN|Resource temporarily unavailable|pthread_create|uv_thread_create/,
  );
});

step('another border, by the settings file', async () => {
  await host.op('echo REDACT_WIDTH=40 >> ~/.config/noaa-pod/settings.env');
  await host.op('systemctl --user restart noaa-pod');
  await allWell('with another border');
  assertRedacted(await snapshot(), 40);
});

for (const service of SERVICES) {
  step(`${service} killed comes back by itself, and its neighbours never notice`, async say => {
    const earlier = await startedAt();
    const from = host.seconds();
    await host.root(`kill -9 ${await pidOf(service)}`);
    await eventually(
      `another ${service}`,
      200_000,
      async () => (await startedAt()).get(`noaa-${service}`) !== earlier.get(`noaa-${service}`),
    );
    await allWell(`after the end of ${service}`);
    say(`well again after ${host.seconds() - from} s`);
    const later = await startedAt();
    for (const other of SERVICES.filter(name => name !== service)) {
      assert.equal(later.get(`noaa-${other}`), earlier.get(`noaa-${other}`), other);
    }
  });
}

step('all three killed at once come back by themselves, in the same pod', async say => {
  const pod = await host.op("podman pod inspect --format '{{.Id}}' noaa");
  const pids = await Promise.all(SERVICES.map(pidOf));
  const from = host.seconds();
  await host.root(`kill -9 ${pids.join(' ')}`);
  await eventually('other processes', 200_000, async () => {
    const now = await Promise.all(SERVICES.map(pidOf));
    return now.every((pid, at) => pid !== '' && pid !== '0' && pid !== pids[at]);
  });
  await allWell('after all three ended');
  say(`well again after ${host.seconds() - from} s`);
  assert.equal(await host.op("podman pod inspect --format '{{.Id}}' noaa"), pod);
});

for (const service of SERVICES) {
  step(
    `${service} hung is found by its health check and replaced, and its neighbours never notice`,
    async say => {
      const earlier = await startedAt();
      const pid = await pidOf(service);
      const from = host.seconds();
      await host.root(`kill -STOP ${pid}`);
      await eventually(`another ${service}`, 300_000, async () => {
        const now = await pidOf(service);
        return now !== '' && now !== '0' && now !== pid;
      });
      say(`replaced after ${host.seconds() - from} s`);
      await allWell(`after ${service} hung`);
      const later = await startedAt();
      for (const other of SERVICES.filter(name => name !== service)) {
        assert.equal(later.get(`noaa-${other}`), earlier.get(`noaa-${other}`), other);
      }
    },
  );
}

step('while playback is away its neighbours wait, alive, and status says so', async () => {
  const earlier = await startedAt();
  await host.op('systemctl --user stop noaa-playback');
  await eventually('a picture that is not live', 60_000, async () => !(await isLive()));
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

step('an upgrade that does is kept', async () => {
  await host.op('podman tag localhost/noaa-visualizer:latest localhost/noaa-visualizer:candidate');
  const { code, output } = await host.try(noaa('upgrade --wait 300'), 900_000);
  assert.equal(code, 0, output);
  assert.match(output, /Upgraded: the picture is live/);
});

step('another border and another port, by drop-ins as shown', async () => {
  await host.op(
    'mkdir -p ~/.config/containers/systemd && cp -r noaa-pod/examples/drop-ins/noaa.pod.d ~/.config/containers/systemd/',
  );
  await host.op('cp -r noaa-pod/examples/drop-ins/noaa-redactor.container.d ~/.config/containers/systemd/');
  await host.op('sed -i /REDACT_WIDTH/d ~/.config/noaa-pod/settings.env');
  await host.op('systemctl --user daemon-reload && systemctl --user restart noaa-pod');
  await allWell('with the drop-ins');
  const own = (await host.op('hostname -I')).split(' ')[0];
  await host.op(`curl -sfo /dev/null http://${own}:8080/readyz`);
  await using other = await host.tunnel(8080);
  const answer = await fetch(`http://127.0.0.1:${other.port}/snapshot.jpg`);
  assertRedacted(await decodeJpeg(Buffer.from(await answer.arrayBuffer())), 50);
  await host.op('rm -r ~/.config/containers/systemd/*.d');
  await host.op('systemctl --user daemon-reload && systemctl --user restart noaa-pod');
  await allWell('without the drop-ins');
});

step('the daily scan runs by its timer, and claims nothing where there is no scanner', async () => {
  await host.op('noaa-pod/verify/schedule on');
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
  const { code, output } = await host.try('noaa-pod/verify/schedule status');
  assert.equal(code, 1, output);
  for (const told of [
    /noaa-playback\S* was made \d+ days ago/,
    /trivy is not installed/,
    /grype is not installed/,
  ])
    assert.match(output, told);
});

step('stop is quick, and leaves nothing running', async say => {
  const took = await host.op(
    's=$(date +%s%N); systemctl --user stop noaa-pod; e=$(date +%s%N); echo $(( (e - s) / 1000000 ))',
  );
  say(`stopped in ${took} ms, on a machine some ten times slower than its processor`);
  assert.equal(await host.op('podman ps -q'), '');
  for (const service of SERVICES) {
    const how = await host.op(`systemctl --user show --property=Result --value noaa-${service}`);
    assert.equal(how, 'success', service);
  }
  await host.op('systemctl --user start noaa-pod');
  await allWell('after a stop');
});

step('after a reboot the picture is live again, with nobody logged in', async say => {
  await web[Symbol.asyncDispose]();
  const from = host.seconds();
  await host.reboot();
  web = await host.tunnel(8050);
  await live('after the reboot', 400_000);
  say(`live ${host.seconds() - from} s after the word to reboot`);
  // What lingering starts counts as a session too, of the class `manager`.
  const sessions = await host.root('loginctl list-sessions --no-legend');
  assert.deepEqual(sessions.match(/^.*\bop\b(?!.*\bmanager).*$/gm) ?? [], []);
  await allWell('after the reboot');
});

step('uninstall leaves no unit, container, image or setting', async () => {
  await host.op(noaa('uninstall --clips'), 600_000);
  assert.equal(await host.op('podman ps -aq; podman pod ls -q; podman images -q; podman volume ls -q'), '');
  assert.equal(await host.op('systemctl --user list-units --all --no-legend "noaa*"'), '');
  const left = await host.op(
    'find ~ /tmp -name "*noaa*" -not -path "$HOME/noaa-pod*" 2>/dev/null; ls -A ~/.config 2>/dev/null',
  );
  assert.equal(left.replace(/^(containers|systemd)$/m, '').trim(), '');
  assert.equal((await host.try(noaa('status'))).code, 3);
  const again = await host.try(noaa('uninstall'));
  assert.equal(again.code, 0, again.output);
});
