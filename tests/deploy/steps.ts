/** Steps of a deployment's life that more than one test of it takes. */
import assert from 'node:assert/strict';
import { SETTINGS_FILES } from '../support/settings-files.ts';
import { until } from '../support/until.ts';
import {
  allWell,
  assertRedacted,
  closeTunnel,
  host,
  knocking,
  live,
  loadImages,
  noaa,
  openTunnel,
  playSmallClip,
  snapshot,
  step,
  strike,
} from './deployment.ts';
import { SERVICES } from './machine.ts';
import { CAPABILITIES } from './units.ts';

/** Installed as docs/deploy.md says. */
export function installed(): void {
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
    await loadImages();
    const dry = await host.op(noaa('install --dry-run'));
    assert.match(dry, /^\+ install -m 0644 \S+noaa\.pod/m);
    assert.equal((await host.try('ls ~/.config/containers/systemd')).code, 2);
    await host.op(noaa('install'));
    assert.equal((await host.try(noaa('status'))).code, 3);
    const again = await host.op(noaa('install'));
    assert.doesNotMatch(again, /install -m/, 'a second install changes something');
    await playSmallClip();
  });
}

/** What systemd reads of a settings file is what the redactor and quadlet/noaa take it for. */
export function settingsAsRead(): void {
  step(
    'systemd itself reads settings files as the table says that both our readers are held to',
    async () => {
      const folder = '/tmp/settings';
      const unit = '~/.config/systemd/user/settings-table@.service';
      const files = SETTINGS_FILES.map(
        ({ text }, at) =>
          `echo ${Buffer.from(text, 'latin1').toString('base64')} | base64 -d >${folder}/${at}`,
      );
      const service = `[Service]\nType=oneshot\nEnvironmentFile=-${folder}/%%i\nExecStart=sh -c "env -0 >${folder}/%%i.env"\n`;
      await host.op(
        `mkdir -p ${folder} ~/.config/systemd/user && printf '${service}' >${unit} && systemctl --user daemon-reload`,
      );
      await host.op(files.join('\n'));
      await host.op(
        `systemctl --user start $(seq -f 'settings-table@%.0f' 0 ${SETTINGS_FILES.length - 1})`,
        600_000,
      );
      const said = await host.op(
        `cd ${folder} && for file in *.env; do echo "$file $(base64 -w 0 "$file")"; done`,
      );
      await host.op(`rm -r ${unit} ${folder} && systemctl --user daemon-reload`);
      const read = new Map(
        said.split('\n').map(line => {
          const [file = '', content = ''] = line.split(' ');
          const variables = Buffer.from(content, 'base64').toString('latin1').split('\0');
          return [
            Number.parseInt(file, 10),
            new Map(variables.map(one => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)])),
          ];
        }),
      );
      for (const [at, file] of SETTINGS_FILES.entries())
        for (const name of new Set([
          'REDACT_WIDTH',
          'MASK_FILE',
          'LOG_LEVEL',
          ...Object.keys(file.read ?? {}),
        ]))
          assert.equal(read.get(at)?.get(name), file.read?.[name], `${JSON.stringify(file.text)}: ${name}`);
    },
  );
}

/** Starts an installed pod, and looks at it. */
export function started(): void {
  step(
    'systemctl --user start noaa-pod starts it all, and every unit turns active and healthy',
    async say => {
      assert.notEqual(await host.root('systemctl is-active network-online.target || true'), 'active');
      await host.op('systemctl --user start noaa-pod');
      await allWell('after the first start', 600_000);
      const waited =
        'systemctl --user show --property=ActiveState --value podman-user-wait-network-online.service';
      assert.equal(await host.op(waited), 'inactive', 'the start has waited for the network');
      say(await host.op(noaa('status')));
      for (const unit of ['pod', ...SERVICES]) {
        assert.equal(await host.op(`systemctl --user is-active noaa-${unit}.service`), 'active');
      }
      const ps = await host.op("podman ps --format '{{.Names}} {{.Status}}'");
      for (const service of SERVICES) assert.match(ps, new RegExp(`noaa-${service} Up .*\\(healthy\\)`));
      assert.match(ps, /^noaa-infra Up/m);
      assert.equal(ps.trim().split('\n').length, 4);
    },
  );

  seenThroughTunnel(60_000);
}

/** The small clip is live and redacted, from outside of the host. */
export function seenThroughTunnel(timeoutMs: number): void {
  step('redacted frames come through the tunnel', async () => {
    await openTunnel();
    await live('through the tunnel', timeoutMs);
    const picture = await snapshot();
    assert.deepEqual([picture.width, picture.height], [320, 240]);
    assertRedacted(picture, 100);
  });
}

/** The client's own address reaches the service, and the port stays as it is while the pod restarts. */
export function heldPort(): void {
  step(
    'systemd holds the port: clients appear with their own address, and the host may be named by its name',
    async () => {
      assert.equal(await host.op('systemctl --user is-active noaa.socket'), 'active');
      const status = await host.op('curl -s --interface 127.0.0.9 http://127.0.0.1:8050/status');
      assert.deepEqual(JSON.parse(status).client, { address: '127.0.0.9' });
      for (const name of [
        'localhost',
        '127.0.0.1',
        await host.op('hostname'),
        `${await host.op('hostname')}.local`,
      ])
        assert.equal(
          await host.op(
            `curl -s -o /dev/null -w '%{http_code}' -H 'Host: ${name}:8050' http://127.0.0.1:8050/livez`,
          ),
          '200',
          name,
        );
      assert.equal(
        await host.op(
          `curl -s -o /dev/null -w '%{http_code}' -H 'Host: evil.example' http://127.0.0.1:8050/livez`,
        ),
        '421',
      );
    },
  );
}

/** What is impossible from outside and from inside. */
export function heldIn(): void {
  step('only 8050 answers on the host, and only on its loopback', async () => {
    const listening = await host.root('ss -Hltn');
    const noaas = listening
      .split('\n')
      .flatMap(line => /\s(\S+:(?:8050|5555|5556|5655|5656))\s/.exec(line)?.[1] ?? []);
    assert.deepEqual(noaas, ['127.0.0.1:8050']);
    for (const port of [5555, 5556, 5655, 5656]) {
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

  step(
    'from inside, nothing outside of the pod answers: no host, no network beyond it, no name',
    async () => {
      // What the host answers to, and where a pod with a way out finds it (podman's own name for it has 169.254.1.2).
      const gateway = await host.op("ip -4 route show default | sed 's/.* via \\([^ ]*\\).*/\\1/'");
      const own = (await host.op('hostname -I')).split(' ')[0];
      const script = `
      import net from 'node:net'; import dns from 'node:dns/promises'; import os from 'node:os';
      const answers = (host, port) => new Promise(resolve => {
        const socket = net.connect({ host, port, timeout: 5000 });
        socket.on('connect', () => resolve('ANSWERS')).on('error', e => resolve(e.code)).on('timeout', () => resolve('ANSWERS LATE'));
      });
      const bridge = Object.values(os.networkInterfaces()).flat().find(({ internal, family }) => !internal && family === 'IPv4').cidr;
      const first = bridge.replace(/[0-9]+.[0-9]+$/, '1');
      for (const host of ['${own}', '${gateway}', '169.254.1.2', '169.254.1.1', '1.1.1.1', first])
        for (const port of [22, 53]) console.log(host, port, await answers(host, port));
      console.log('name', await dns.lookup('debian.org').then(() => 'ANSWERS', e => e.code));
      process.exit();
    `.replaceAll('\n', ' ');
      const { output } = await host.try(
        `podman exec noaa-visualizer node --input-type=module -e ${JSON.stringify(script).replaceAll('$', '\\$')}`,
      );
      assert.match(output, /^1\.1\.1\.1 53 ENETUNREACH$/m);
      assert.match(output, /^name E/m);
      assert.doesNotMatch(output, /ANSWERS/);
    },
  );

  step('each service has its own journal', async () => {
    for (const service of SERVICES) {
      const lines = await host.op(`journalctl --user --no-pager --output=cat -u noaa-${service}`);
      assert.match(lines, new RegExp(`"service":"${service}"`));
      const others = SERVICES.filter(other => other !== service);
      for (const other of others) assert.doesNotMatch(lines, new RegExp(`"service":"${other}"`));
    }
  });

  step('health checks leave no lines in the journal', async () => {
    for (const service of SERVICES) {
      const log = await host.op(`podman inspect --format '{{len .State.Health.Log}}' noaa-${service}`);
      assert.notEqual(log, '0', `no health check of ${service} has run`);
    }
    const lines = await host.op('journalctl --user --no-pager --output=cat');
    assert.deepEqual(lines.match(/^.*health_status.*$/gm) ?? [], []);
  });

  step('every hardening key is in force', async () => {
    const uidOfOp = await host.op('id -u');
    for (const service of SERVICES) {
      const [container] = JSON.parse(await host.op(`podman inspect noaa-${service}`));
      const capabilities = (CAPABILITIES[service] ?? []).map(name => `CAP_${name.toUpperCase()}`);
      assert.deepEqual(container.EffectiveCaps ?? [], capabilities);
      assert.deepEqual(container.BoundingCaps ?? [], capabilities);
      assert.equal(container.HostConfig.ReadonlyRootfs, true);
      assert.ok(container.HostConfig.SecurityOpt.includes('no-new-privileges'));
      const status = await host.root(`cat /proc/${container.State.Pid}/status`);
      assert.match(status, /^NoNewPrivs:\s1$/m);
      // Number 10 is net_bind_service.
      const bits = capabilities.length > 0 ? '0+400' : '0+';
      assert.match(status, new RegExp(`^CapEff:\\s${bits}$`, 'm'));
      assert.match(status, new RegExp(`^CapBnd:\\s${bits}$`, 'm'));
      assert.match(status, /^Seccomp:\s2$/m);
      // A user of the mapped range: neither root nor the operator.
      const uid = Number(/^Uid:\s(\d+)/m.exec(status)?.[1]);
      assert.ok(uid >= 100_000 && String(uid) !== uidOfOp, `uid ${uid}`);
      const group = (await host.root(`cat /proc/${container.State.Pid}/cgroup`)).replace(/^0::/, '');
      assert.match(group, new RegExp(`noaa-${service}\\.service`));
      const unit = group.trim().replace(/(noaa-\w+\.service).*$/, '$1');
      const weight = service === 'visualizer' ? '100' : '200';
      assert.equal(await host.root(`cat /sys/fs/cgroup${unit}/cpu.weight`), weight);
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
      for (const folder of ['/', '/app', '/run', '/var', '/etc']) {
        try { fs.writeFileSync(folder + '/x', ''); console.log('WROTE', folder); } catch (error) { console.log(folder, error.code); }
      }
      try { fs.writeFileSync('/tmp/x', Buffer.alloc(2 ** 16)); console.log('WROTE 64 kB'); } catch (error) { console.log('/tmp', error.code); }
      fs.rmSync('/tmp/x');
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
}

export function killedAtOnce(): void {
  step(
    'all three killed at once come back by themselves, in the same pod, and no connect is refused meanwhile',
    async say => {
      const pod = await host.op("podman pod inspect --format '{{.Id}}' noaa");
      const from = host.seconds();
      const { connected, refused } = await knocking(async () => {
        await strike('KILL', ...SERVICES);
        await allWell('after all three ended');
      });
      say(`${connected} connects, ${refused.length} refused`);
      assert.ok(connected > 30);
      assert.deepEqual(refused, []);
      say(`well again after ${host.seconds() - from} s`);
      assert.equal(await host.op("podman pod inspect --format '{{.Id}}' noaa"), pod);
    },
  );
}

/** Sets up a login and TLS, which the next start puts to use. */
export function guarded(): void {
  step('a user and a certificate are made for the pod', async () => {
    const added = await host.op(`echo 'correct horse' | ${noaa('users add anna')}`);
    assert.match(added, /^Added anna$/m);
    assert.doesNotMatch(added, /correct horse/);
    const made = await host.op(noaa('certificate'));
    const settings = made.match(/^TLS_\w+=.*$/gm) ?? [];
    assert.deepEqual(settings, ['TLS_CERT_FILE=/access/tls.crt', 'TLS_KEY_FILE=/access/tls.key']);
    assert.notEqual(
      (await host.try('ls ~/.local/share/noaa-pod/access')).code,
      0,
      'the operator’s own user may look',
    );
    const lines = ['USERS_FILE=/access/users', ...settings].join('\\n');
    await host.op(`printf '${lines}\\n' >> ~/.config/noaa-pod/settings.env`);
  });
}

/** A login outlives a restart, and so does a logout, by the one file that the visualizer may write. */
export function loggedInAndOut(): void {
  step(
    'a login outlives a restart, and a logout, too; the file that keeps it stays below 1 MB',
    async say => {
      const curl = 'curl -sk -o /dev/null -w %{http_code} -b /tmp/jar -c /tmp/jar';
      const at = (path: string) => `https://127.0.0.1:8050/${path}`;
      const login = `--data-urlencode user=anna --data-urlencode 'password=correct horse' ${at('login')}`;
      assert.equal(await host.op(`${curl} ${login}; cp /tmp/jar /tmp/copied`), '303');
      const withCopy = () => host.op(`cp /tmp/copied /tmp/jar; ${curl} ${at('status')}`);
      const restart = async () => {
        await host.op('systemctl --user restart noaa-visualizer');
        await allWell('after the restart');
      };
      await restart();
      assert.equal(await withCopy(), '200');
      assert.equal(await host.op(`${curl} -X POST ${at('logout')}`), '200');
      assert.equal(await withCopy(), '401');
      await restart();
      assert.equal(await withCopy(), '401');
      const script =
        'try { fs.appendFileSync(`/ended-sessions`, Buffer.alloc(2e6)); } catch (error) { console.log(error.code); }';
      const { code, stdout } = await host.try(`podman exec noaa-visualizer node -e '${script}'`);
      assert.deepEqual([code, stdout.trim()], [0, 'EFBIG']);
      const kept = await host.op('stat -c "%s %u %a" ~/.local/share/noaa-pod/ended-sessions');
      say(kept);
      assert.match(kept, /^1048576 1\d{5} 600$/);
      await restart();
      assert.equal(await withCopy(), '401');
      assert.ok(Number(await host.op('stat -c %s ~/.local/share/noaa-pod/ended-sessions')) < 100);
    },
  );
}

/** What a login and TLS change, once a start has put them to use. */
export function watchedByUsers(): void {
  step('a login and TLS hold, a link opens them, and status still answers', async () => {
    const status = await host.op(noaa('status'));
    assert.match(status, /^picture +live, .* at https:\/\/127\.0\.0\.1:8050$/m);
    assert.doesNotMatch(status, /ANYBODY/);
    const code = async (args: string) =>
      await host.op(`curl -sk -o /dev/null -w '%{http_code}' ${args} https://127.0.0.1:8050/status`);
    assert.equal(await code(''), '401');
    assert.equal(await code("-u 'anna:correct horse'"), '200');
    const [link] = /^https:\S+login\?link=\S+$/m.exec(await host.op(noaa('share --for 2h'))) ?? [];
    const guest = `-b "$(curl -sk -D - -o /dev/null '${link}' | sed -n 's/^set-cookie: \\([^;]*\\).*/\\1/ip')"`;
    assert.equal(await code(guest), '200');
    const log = await host.op('journalctl --user --no-pager --output=cat');
    for (const secret of ['correct horse', link?.split('=')[1] ?? assert.fail('no link')])
      assert.ok(!log.includes(secret), secret);
  });
}

/** The user goes again. */
export function userRemoved(): void {
  step('metrics answer, too, a removed user is out, and no core would be dumped', async () => {
    assert.match(await host.op(noaa('metrics visualizer')), /^noaa_/m);
    const code = () =>
      host.op(
        `curl -sk -o /dev/null -w '%{http_code}' -u 'anna:correct horse' https://127.0.0.1:8050/status`,
      );
    assert.equal(await code(), '200');
    assert.match(await host.op(noaa('users remove anna')), /^Removed anna/m);
    await until(async () => (await code()) === '401', 'the removed user to be out', 30_000);
    for (const service of SERVICES) {
      const pid = await host.op(`podman inspect --format '{{.State.Pid}}' noaa-${service}`);
      assert.match(await host.root(`cat /proc/${pid}/limits`), /^Max core file size +0 +0 /m);
    }
  });
}

export function rebooted(): void {
  step('after a reboot the picture is live again, with nobody logged in', async say => {
    await closeTunnel();
    const from = host.seconds();
    await host.reboot();
    await openTunnel();
    await live('after the reboot', 400_000);
    say(`live ${host.seconds() - from} s after the word to reboot`);
    // What lingering starts counts as a session too, of the class `manager`.
    const sessions = await host.root('loginctl list-sessions --no-legend');
    assert.deepEqual(sessions.match(/^.*\bop\b(?!.*\bmanager).*$/gm) ?? [], []);
    await allWell('after the reboot');
  });
}

export function uninstalled(): void {
  step('uninstall leaves no unit, container, image or setting', async () => {
    await host.op(noaa('uninstall --clips'), 600_000);
    assert.equal(
      await host.op(
        'podman ps -aq; podman pod ls -q; podman images -q; podman volume ls -q; podman secret ls -q; podman network ls -q --filter name=noaa',
      ),
      '',
    );
    assert.equal(await host.op('systemctl --user list-units --all --no-legend "noaa*"'), '');
    const left = await host.op(
      'find ~ /tmp -name "*noaa*" -not -path "$HOME/noaa-pod*" 2>/dev/null; ls -A ~/.config 2>/dev/null',
    );
    assert.equal(left.replace(/^(containers|systemd)$/m, '').trim(), '');
    assert.equal((await host.try(noaa('status'))).code, 3);
    const again = await host.try(noaa('uninstall'));
    assert.equal(again.code, 0, again.output);
  });
}
