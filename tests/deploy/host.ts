/** A Debian of its own, with systemd, cgroup v2 and rootless podman, in a virtual machine without acceleration. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { CACHE, imageOf, ok, podman, type Ran, run, SERVICES, type Suite, TREE, TRIXIE } from './machine.ts';

const LIBRARIES = join(TRIXIE, 'usr/lib/x86_64-linux-gnu');
const guestOf = (suite: Suite) => join(CACHE, `guest-${suite}`);

export interface Host extends AsyncDisposable {
  /** Runs a line of shell as the operator; gives how it ended. */
  try(line: string, timeoutMs?: number): Promise<Ran>;
  /** Runs a line of shell that must succeed. */
  op(line: string, timeoutMs?: number): Promise<string>;
  root(line: string, timeoutMs?: number): Promise<string>;
  /** A port of this machine that leads to a port of the host's own loopback, through ssh. */
  tunnel(port: number): Promise<{ port: number } & AsyncDisposable>;
  reboot(): Promise<void>;
  seconds(): number;
}

/**
 * What an operator brings to the host, on a disk of its own: the project's folder and the images, an archive each.
 * podman's docker-archive, which is its default, is not compressed and loads fastest where the processor is slow.
 */
async function makeDisks(folder: string, guest: string): Promise<void> {
  const payload = join(folder, 'payload');
  mkdirSync(payload);
  const files = [
    'quadlet',
    'examples',
    'verify',
    'package.json',
    'data',
    ...SERVICES.map(name => `Containerfile.${name}`),
  ];
  await ok('cp', ['-r', ...files.map(file => join(TREE, file)), payload]);
  const clip = [
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=320x240:rate=5:duration=4',
    '-c:v',
    'libx264',
    '-pix_fmt',
    'yuv420p',
  ];
  await ok('ffmpeg', ['-loglevel', 'error', '-nostdin', '-y', ...clip, join(payload, 'small.mp4')]);
  for (const name of SERVICES) {
    const archive = join(payload, `noaa-${name}.tar`);
    await podman(['save', '--quiet', '--output', archive, imageOf(name)]);
  }
  await ok('mke2fs', ['-q', '-t', 'ext4', '-d', payload, join(folder, 'payload.img'), '2G']);
  rmSync(payload, { recursive: true });
  await ok('mke2fs', ['-q', '-t', 'ext4', '-d', guest, join(folder, 'root.img'), '10G']);
}

function startQemu(folder: string, guest: string, sshPort: number): ChildProcess {
  const kernel = readdirSync(join(guest, 'boot')).find(name => name.startsWith('vmlinuz-')) ?? '';
  const disk = (name: string, extra = '') => [
    '-drive',
    `file=${join(folder, name)},format=raw,if=virtio,cache=unsafe${extra}`,
  ];
  const child = spawn(
    join(LIBRARIES, 'ld-linux-x86-64.so.2'),
    [
      ...['--library-path', LIBRARIES, join(TRIXIE, 'usr/bin/qemu-system-x86_64')],
      ...['-L', join(TRIXIE, 'usr/share/qemu'), '-L', join(TRIXIE, 'usr/share/seabios')],
      ...[
        '-accel',
        'tcg,thread=multi,tb-size=1024',
        '-cpu',
        'max',
        '-smp',
        '2',
        '-m',
        '4G',
        '-nographic',
        '-nodefaults',
      ],
      ...[
        '-kernel',
        join(guest, 'boot', kernel),
        '-initrd',
        join(guest, 'boot', kernel.replace('vmlinuz', 'initrd.img')),
      ],
      ...['-append', 'root=/dev/vda rw console=ttyS0'],
      ...disk('root.img'),
      ...disk('payload.img', ',readonly=on'),
      ...['-netdev', `user,id=net,hostfwd=tcp:127.0.0.1:${sshPort}-:22`],
      ...['-device', 'virtio-net-pci,netdev=net,romfile=', '-device', 'virtio-rng-pci', '-serial', 'stdio'],
    ],
    { env: { ...process.env, QEMU_MODULE_DIR: join(LIBRARIES, 'qemu') }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const console = createWriteStream(join(CACHE, 'host-console.log'));
  child.stdout.pipe(console, { end: false });
  child.stderr.pipe(console, { end: false });
  return child;
}

/** Boots the host with the project's folder at ~/noaa-pod of the user `op`, and nothing of it installed. */
export async function bootHost(suite: Suite): Promise<Host> {
  const from = performance.now();
  const folder = join(CACHE, `host-${process.pid}`);
  // Disks of a run that was killed.
  for (const left of readdirSync(CACHE).filter(name => /^host-\d+$/.test(name))) {
    if (!existsSync(`/proc/${left.slice(5)}`)) rmSync(join(CACHE, left), { recursive: true });
  }
  mkdirSync(folder, { recursive: true });
  const guest = guestOf(suite);
  await makeDisks(folder, guest);
  const sshPort = await freePort();
  const qemu = startQemu(folder, guest, sshPort);
  const ended = once(qemu, 'close');

  const options = [
    ...[
      '-i',
      join(CACHE, 'key'),
      '-p',
      String(sshPort),
      '-o',
      'StrictHostKeyChecking=no',
      '-o',
      'UserKnownHostsFile=/dev/null',
    ],
    ...[
      '-o',
      'LogLevel=ERROR',
      '-o',
      'ConnectTimeout=20',
      '-o',
      'BatchMode=yes',
      '-o',
      'ServerAliveInterval=30',
    ],
  ];
  const ssh = (user: string, line: string, timeoutMs = 300_000) =>
    run('ssh', [...options, `${user}@127.0.0.1`, line], { timeoutMs });
  const must = async (user: string, line: string, timeoutMs?: number) => {
    const ran = await ssh(user, line, timeoutMs);
    if (ran.code !== 0)
      throw new Error(`${user}: ${line}\nended with ${ran.code}:\n${ran.output.slice(-4000)}`);
    return ran.stdout.trimEnd();
  };
  const up = () =>
    until(
      async () => {
        if (qemu.exitCode !== null) throw new Error(`QEMU ended with ${qemu.exitCode}; see host-console.log`);
        return (await ssh('root', 'systemctl is-system-running --wait; true', 120_000)).code === 0;
      },
      'ssh of the host',
      300_000,
    );

  const host: Host = {
    try: (line, timeoutMs) => ssh('op', line, timeoutMs),
    op: (line, timeoutMs) => must('op', line, timeoutMs),
    root: (line, timeoutMs) => must('root', line, timeoutMs),
    async tunnel(port) {
      const local = await freePort();
      // As root: a login of the operator would start his services, which is for the host to do by itself.
      const forward = ['-N', '-o', 'ExitOnForwardFailure=yes', '-L', `127.0.0.1:${local}:127.0.0.1:${port}`];
      const child = spawn('ssh', [...options, ...forward, 'root@127.0.0.1'], { stdio: 'ignore' });
      await new Promise(resolve => setTimeout(resolve, 3000));
      return {
        port: local,
        async [Symbol.asyncDispose]() {
          child.kill();
          if (child.exitCode === null) await once(child, 'close');
        },
      };
    },
    async reboot() {
      const before = await must('root', 'cat /proc/sys/kernel/random/boot_id');
      await ssh('root', 'systemctl reboot');
      await until(
        async () => {
          const now = await ssh('root', 'cat /proc/sys/kernel/random/boot_id', 30_000);
          return now.code === 0 && now.stdout.trim() !== before;
        },
        'the reboot',
        300_000,
      );
      await up();
    },
    seconds: () => Math.round((performance.now() - from) / 1000),
    async [Symbol.asyncDispose]() {
      if (qemu.exitCode === null) qemu.kill('SIGKILL');
      await ended;
      if (existsSync(folder)) rmSync(folder, { recursive: true });
    },
  };

  try {
    await up();
    await host.root('mkdir -p /mnt/payload && mount -o ro /dev/vdb /mnt/payload');
    await host.op(
      'mkdir noaa-pod && cp -r /mnt/payload/quadlet /mnt/payload/examples /mnt/payload/verify /mnt/payload/package.json noaa-pod/',
    );
    return host;
  } catch (thrown) {
    await host[Symbol.asyncDispose]();
    throw thrown;
  }
}
