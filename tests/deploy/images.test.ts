import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { ownedPaths } from '../../verify/image/dpkg.ts';
import { isElf } from '../../verify/image/elf.ts';
import { namedFiles } from '../../verify/image/hand-made-sbom.ts';
import { type Rootfs, readDirectory, textAt } from '../../verify/image/rootfs.ts';
import { ffmpeg, temporaryFolder } from '../support/clips.ts';
import { until } from '../support/until.ts';
import {
  buildImages,
  CONTAINERS_CONF,
  imageOf,
  podman,
  run,
  SERVICES,
  type Service,
  TREE,
  tryPodman,
} from './machine.ts';

const MEGABYTE = 1e6;
const LARGEST: Record<Service, number> = { playback: 190, redactor: 220, visualizer: 220 };
const USER: Record<Service, string> = {
  playback: '10001:10001',
  redactor: '10002:10002',
  visualizer: '10003:10003',
};
/** A package of each service that no other may have. */
const OWN: Record<Service, string[]> = {
  playback: ['fluent-ffmpeg'],
  redactor: [],
  visualizer: ['koa', 'koa-static', '@koa/router', 'sse-channel', 'canvas'],
};
const NOBODYS = [
  'typescript',
  '@biomejs',
  'playwright-core',
  'pino-pretty',
  'prebuild-install',
  'node-addon-api',
  'npm',
];

const roots = new Map<Service, Rootfs>();
const rootOf = (service: Service) => roots.get(service) ?? assert.fail(`${service} was not built`);

before(async () => {
  await buildImages();
  for (const service of SERVICES)
    roots.set(service, readDirectory(await podman(['image', 'mount', imageOf(service)])));
});

for (const service of SERVICES) {
  describe(`the image of ${service}`, () => {
    test(`is no larger than ${LARGEST[service]} MB`, async t => {
      const size =
        Number(await podman(['image', 'inspect', '--format', '{{.Size}}', imageOf(service)])) / MEGABYTE;
      t.diagnostic(`${size.toFixed(1)} MB`);
      assert.ok(size <= LARGEST[service], `${size.toFixed(1)} MB`);
    });

    test('runs one program as its own user, and says what it is', async () => {
      const [{ Config, Architecture, Os }] = JSON.parse(await podman(['image', 'inspect', imageOf(service)]));
      assert.equal(Config.User, USER[service]);
      assert.deepEqual(Config.Entrypoint, ['/usr/local/bin/node', `apps/${service}/main.js`]);
      assert.equal(Config.Cmd ?? null, null);
      assert.equal(Config.StopSignal, 'SIGTERM');
      assert.equal(Os, 'linux');
      assert.ok(['amd64', 'arm64'].includes(Architecture));
      const { version } = JSON.parse(readFileSync(join(TREE, 'package.json'), 'utf8'));
      const label = (name: string) => Config.Labels[`org.opencontainers.image.${name}`];
      assert.equal(label('version'), version);
      assert.equal(label('licenses'), 'Apache-2.0');
      assert.match(label('revision'), /^[\da-f]{40}(-dirty)?$/);
      for (const name of ['title', 'description', 'source']) assert.ok(label(name), `no label ${name}`);
      // Its layers are dated by the commit, so that they come out the same again.
      const ageMs = Date.now() - Date.parse(label('created'));
      assert.ok(ageMs > 0 && ageMs < 90 * 86_400_000, `built ${label('created')}`);
    });

    test("holds its own service's packages and no other's", () => {
      const held = rootOf(service);
      const has = (name: string) =>
        held.has(`/app/node_modules/${name}/package.json`) || held.has(`/app/node_modules/${name}`);
      for (const name of ['zeromq', 'pino', 'prom-client', 'envalid', 'koffi', ...OWN[service]])
        assert.ok(has(name), `no ${name}`);
      const others = SERVICES.filter(other => other !== service).flatMap(other => OWN[other]);
      assert.deepEqual([...others, ...NOBODYS].filter(has), []);
      const apps = [...held.keys()].filter(path => /^\/app\/apps\/[^/]+$/.test(path)).sort();
      assert.deepEqual(apps, ['/app/apps/common', `/app/apps/${service}`]);
      assert.deepEqual(
        [...held.keys()].filter(path => /^\/app\/apps\/.*(\.ts|\.test\.js)$/.test(path)),
        [],
      );
    });

    test('has a dpkg status in which every package is whole', () => {
      const status = textAt(rootOf(service), '/var/lib/dpkg/status') ?? '';
      const packages = status.trim().split('\n\n');
      assert.ok(packages.length > 10, `${packages.length} packages`);
      for (const text of packages) assert.match(text, /^Status: install ok installed$/m, text.slice(0, 60));
      assert.match(textAt(rootOf(service), '/usr/lib/os-release') ?? '', /VERSION_CODENAME=trixie/);
    });

    test("finds every library of every program and addon among the distribution's", async () => {
      const root = rootOf(service);
      const owned = ownedPaths(root);
      const named = [...namedFiles(root).keys()];
      const loader = [...root.keys()].find(path => /^\/usr\/lib64\/ld-linux/.test(path));
      assert.ok(loader, 'no loader');
      for (const path of named.filter(name => isElf(root.get(name)?.read() ?? Buffer.alloc(0)))) {
        const run = [
          'run',
          '--rm',
          '--network=none',
          '--entrypoint',
          loader,
          imageOf(service),
          '--list',
          path,
        ];
        for (const line of (await podman(run))
          .split('\n')
          .filter(each => !/linux-vdso|ld-linux/.test(each))) {
          const found = /=> (\S+)/.exec(line)?.[1];
          assert.ok(found, `${path}: ${line.trim()}`);
          const place = found.replace(/^\/lib(64)?\//, '/usr/lib$1/');
          assert.ok(owned.has(place), `${path} takes ${found}, which is no package's`);
        }
      }
    });

    test('ends within a second of SIGTERM, as process 1, with code 0', async () => {
      const options = ['--network=none', '--read-only', '--cap-drop=all', '--security-opt=no-new-privileges'];
      const id = await podman(['run', '--detach', ...options, imageOf(service)]);
      try {
        await until(
          async () => (await tryPodman(['logs', id])).output.includes('"service"'),
          'its first line',
          20_000,
        );
        const from = performance.now();
        await podman(['stop', '--time', '5', id]);
        const tookMs = performance.now() - from;
        assert.equal(await podman(['inspect', '--format', '{{.State.ExitCode}}', id]), '0');
        // What podman itself takes is in it: about half a second on a quiet machine.
        assert.ok(tookMs < 4000, `${Math.round(tookMs)} ms`);
      } finally {
        await tryPodman(['rm', '--force', '--time', '0', id]);
      }
    });
  });
}

test('the image of the redactor draws the preview of a mask, in the size of the clip', async () => {
  await using folder = await temporaryFolder();
  const [mask, png] = ['mask.json', 'preview.png'].map(name => join(folder.path, name)) as [string, string];
  const region = { name: 'r', shape: 'rectangle', x: 0, y: 0, width: 0.5, height: 0.5 };
  writeFileSync(mask, JSON.stringify({ version: 1, units: 'normalised', regions: [region] }));
  const options = ['--rm', '--interactive', '--network=none', '--read-only', '--cap-drop=all'];
  const preview = ['apps/redactor/mask-preview.js', '/dev/stdin', '--size', '321x243', '--output', '-'];
  const command = ['run', ...options, '--entrypoint=/usr/local/bin/node', imageOf('redactor'), ...preview];
  const { code, output } = await run('sh', ['-c', 'exec podman "$@" >"$0"', png, ...command], {
    env: { CONTAINERS_CONF },
    input: readFileSync(mask),
  });
  assert.equal(code, 0, output);
  assert.match(output, /mask [\da-f]{16} on 321×243/);
  const drawn = readFileSync(png);
  assert.equal(drawn.toString('latin1', 1, 4), 'PNG');
  assert.deepEqual([drawn.readUInt32BE(16), drawn.readUInt32BE(20)], [321, 243]);
});

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];
const SOUND = ['-f', 'lavfi', '-i', 'sine=duration=1', '-shortest'];
/** What the README promises to play: how ffmpeg makes one, by the file's name. */
const PROMISED: Record<string, string[]> = {
  'h264.mp4': [...SOUND, ...X264, '-c:a', 'aac'],
  'h264.mkv': X264,
  'h264.ts': [...SOUND, ...X264, '-c:a', 'aac'],
  'h264.avi': X264,
  'turned.mov': [...X264, '-metadata:s:v', 'rotate=90'],
  // Without a frame of one chroma sample for every pixel x264 takes no odd size.
  'odd.mp4': ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv444p'],
  'odd.gif': [],
  'odd.webm': ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-pix_fmt', 'yuv420p'],
  'ten-bit.mp4': ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv422p10le'],
  'hevc.mp4': [
    '-c:v',
    'libx265',
    '-preset',
    'ultrafast',
    '-x265-params',
    'log-level=none',
    '-pix_fmt',
    'yuv420p',
  ],
  'hevc.ts': [
    '-c:v',
    'libx265',
    '-preset',
    'ultrafast',
    '-x265-params',
    'log-level=none',
    '-pix_fmt',
    'yuv420p10le',
  ],
  'vp9.webm': ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8'],
  'av1.mkv': ['-c:v', 'libaom-av1', '-cpu-used', '8', '-usage', 'realtime'],
  'av1.mp4': ['-c:v', 'libaom-av1', '-cpu-used', '8', '-usage', 'realtime'],
  'mpeg4.avi': ['-c:v', 'mpeg4', '-vtag', 'XVID', '-bf', '2'],
  'mpeg2.ts': ['-c:v', 'mpeg2video'],
  'mpeg2.mkv': ['-c:v', 'mpeg2video'],
  'mjpeg.avi': ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj422p'],
  'mjpeg.mov': ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p'],
  'prores.mov': ['-c:v', 'prores_ks', '-profile:v', '2'],
  'picture.gif': [],
  'picture.apng': ['-plays', '0'],
  'mpeg1.mpg': ['-c:v', 'mpeg1video', '-r', '25'],
  'vp8.ivf': ['-c:v', 'libvpx', '-deadline', 'realtime'],
  'raw.y4m': ['-pix_fmt', 'yuv420p'],
  'lossless.mkv': ['-c:v', 'ffv1'],
  'transparent.webm': [
    '-c:v',
    'libvpx-vp9',
    '-deadline',
    'realtime',
    '-pix_fmt',
    'yuva420p',
    '-auto-alt-ref',
    '0',
  ],
  'bare.h264': X264,
  'bare.hevc': ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none'],
  'bare.obu': ['-c:v', 'libaom-av1', '-cpu-used', '8', '-usage', 'realtime'],
  'bare.m1v': ['-c:v', 'mpeg1video', '-r', '25'],
  'bare.m2v': ['-c:v', 'mpeg2video', '-r', '25'],
  'bare.m4v': ['-c:v', 'mpeg4', '-f', 'm4v'],
  'bare.mjpeg': ['-c:v', 'mjpeg', '-f', 'mjpeg'],
};

describe('playback in its image plays', { concurrency: 2 }, () => {
  for (const [name, how] of Object.entries(PROMISED)) {
    test(name, async () => {
      await using folder = await temporaryFolder();
      chmodSync(folder.path, 0o755);
      await ffmpeg(
        '-f',
        'lavfi',
        '-i',
        'testsrc2=size=128x96:rate=10:duration=1',
        ...how,
        join(folder.path, name),
      );
      const played = await tryPodman([
        ...[
          'run',
          '--rm',
          '--network=none',
          '--read-only',
          '--cap-drop=all',
          '--volume',
          `${folder.path}:/clips:ro`,
        ],
        ...['--env', `DATA_FILE=/clips/${name}`, '--env', 'PLAYBACK_LOOP=false', imageOf('playback')],
      ]);
      assert.equal(played.code, 0, played.output);
      assert.match(played.output, /playback has finished/);
      assert.doesNotMatch(played.output, /did not decode/);
    });
  }

  test('nothing that a playlist or another protocol would make it read', async () => {
    await using folder = await temporaryFolder();
    chmodSync(folder.path, 0o755);
    writeFileSync(
      join(folder.path, 'list.mp4'),
      'ffconcat version 1.0\nfile /app/data/NOAA_GOES_17_satellite_imagery.mp4\n',
    );
    const played = await tryPodman([
      ...[
        'run',
        '--rm',
        '--network=none',
        '--volume',
        `${folder.path}:/clips:ro`,
        '--env',
        'DATA_FILE=/clips/list.mp4',
      ],
      imageOf('playback'),
    ]);
    assert.equal(played.code, 2, played.output);
  });
});
