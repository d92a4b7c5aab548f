import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { ffmpeg, hangingPrograms, makeClip, temporaryFolder } from '../../tests/support/clips.ts';
import { freePorts } from '../../tests/support/ports.ts';
import { childrenOf, isAlive } from '../../tests/support/processes.ts';
import {
  type LogLine,
  metric,
  type RunningService,
  startProcess,
  startService,
} from '../../tests/support/services.ts';
import { until } from '../../tests/support/until.ts';

const folder = await temporaryFolder();
after(() => folder[Symbol.asyncDispose]());
const inFolder = (name: string) => join(folder.path, name);

/** A small clip at 25 frames a second. */
const testClip = (
  path: string,
  { frames = 25, ...more }: { frames?: number; size?: string; filters?: string; output?: string[] },
) => makeClip(path, { size: '64x48', fps: 25, seconds: frames / 25, ...more });
const good = inFolder('good.mp4');
await testClip(good, { size: '320x240', frames: 75, output: ['-c:v', 'libx264', '-movflags', 'faststart'] });

const SERVICE = [process.execPath, 'apps/playback/main.ts'];
/** The promise is a second; the rest is for a machine that has other things to do. */
const STOP_MS = 1500;

async function start(env: Record<string, string | number>, through?: string[]) {
  const [port = 0, metrics = 0] = await freePorts(2);
  const common = { PLAYBACK_HOST: '127.0.0.1', PLAYBACK_PORT: port, METRICS_PORT: metrics, DATA_FILE: good };
  const playback = through
    ? startProcess('playback', through[0]!, [...through.slice(1), ...SERVICE], { ...common, ...env })
    : startService('playback', { ...common, ...env });
  return { playback, telemetry: `http://127.0.0.1:${metrics}` };
}

const isPlaying = (line: LogLine) => line.msg.startsWith('playing ');

/** Starts playback, waits for its end and asserts that it gave one sentence and nothing else. */
async function assertRefused(
  env: Record<string, string | number>,
  code: 1 | 2,
  sentence: RegExp,
  through?: string[],
): Promise<void> {
  const { playback } = await start(env, through);
  assert.equal(await playback.ended, code, JSON.stringify(playback.log));
  assert.deepEqual(
    playback.log.filter(({ level }) => level === 'raw'),
    [],
    'nothing but log lines',
  );
  const told = playback.log.filter(({ level }) => level === 'fatal');
  assert.equal(told.length, 1, JSON.stringify(playback.log));
  assert.match(told[0]!.msg, sentence);
  assert.match(told[0]!.msg, /; (set|install|convert) |set \w+ to/, 'it says what would do');
  assert.doesNotMatch(told[0]!.msg, /\n|\bat .*:\d+:\d+/, 'no stack trace');
}

describe('bad input gets one clear sentence', { concurrency: 4 }, () => {
  it('of a file that is not there', async () => {
    for (const name of [inFolder('nothing.mp4'), '-nothing.mp4', `concat:${good}|${good}`, `file:${good}`]) {
      await assertRefused({ DATA_FILE: name }, 2, /^DATA_FILE .* does not exist; set it to a video file$/);
    }
  });

  it('of a folder', () => assertRefused({ DATA_FILE: folder.path }, 2, /^DATA_FILE .* is a directory; /));

  it('of a file that may not be read', async () => {
    const file = inFolder('secret.mp4');
    await copyFile(good, file);
    await chmod(file, 0);
    const asRoot = process.getuid?.() === 0;
    // Root reads everything, unless it gives that right up.
    const caps = '-dac_override,-dac_read_search';
    const through = asRoot ? ['setpriv', `--bounding-set=${caps}`, `--inh-caps=${caps}`] : undefined;
    await assertRefused({ DATA_FILE: file }, 2, /^DATA_FILE .* may not be read by this user; /, through);
  });

  it('of an empty file', async () => {
    await writeFile(inFolder('empty.mp4'), '');
    await assertRefused({ DATA_FILE: inFolder('empty.mp4') }, 2, /^DATA_FILE .* is empty; /);
  });

  it('of a pipe and of a device', async () => {
    execFileSync('mkfifo', [inFolder('pipe.mp4')]);
    for (const file of [inFolder('pipe.mp4'), '/dev/zero']) {
      await assertRefused({ DATA_FILE: file }, 2, /^DATA_FILE .* is not a regular file; /);
    }
  });

  it('of a text named .mp4', async () => {
    await writeFile(inFolder('text.mp4'), 'This is no video.\n'.repeat(1000));
    await assertRefused({ DATA_FILE: inFolder('text.mp4') }, 2, /^DATA_FILE .*text\.mp4 is not a video /);
  });

  it('of a playlist named .mp4, and reads nothing that it names', async () => {
    const texts = {
      hls: `#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n${good}\n#EXT-X-ENDLIST\n`,
      concat: `ffconcat version 1.0\nfile '${good}'\n`,
      dash: `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><BaseURL>${good}</BaseURL></Period></MPD>`,
    };
    for (const [name, text] of Object.entries(texts)) {
      const file = inFolder(`${name}.mp4`);
      await writeFile(file, text);
      await assertRefused({ DATA_FILE: file }, 2, /^DATA_FILE .* is not a video that playback reads /);
    }
  });

  it('of an mp4 that was cut off before its index', async () => {
    const whole = inFolder('index-last.mp4');
    await testClip(whole, { size: '320x240', frames: 50 });
    const file = inFolder('cut.mp4');
    await writeFile(file, (await readFile(whole)).subarray(0, 20_000));
    await assertRefused({ DATA_FILE: file }, 2, /^DATA_FILE .*cut\.mp4 is not a video .*moov/);
  });

  it('of sound alone, with and without a cover picture', async () => {
    const sound = ['-f', 'lavfi', '-i', 'sine=duration=1'];
    await ffmpeg(...sound, inFolder('sound.mp4'));
    await ffmpeg(
      ...[...sound, '-f', 'lavfi', '-i', 'testsrc=size=64x48:rate=1:duration=1', '-map', '0', '-map', '1'],
      ...['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p', '-disposition:v:0', 'attached_pic', inFolder('cover.m4a')],
    );
    for (const name of ['sound.mp4', 'cover.m4a']) {
      await assertRefused(
        { DATA_FILE: inFolder(name) },
        2,
        /^DATA_FILE .* has no video in it \(found: .*audio/,
      );
    }
  });

  it('of a video without a frame, or without one that decodes', async () => {
    const whole = inFolder('one-frame.mkv');
    await testClip(whole, { frames: 1 });
    const bytes = await readFile(whole);
    // A Matroska cluster, where the frames are, begins with this.
    await writeFile(
      inFolder('no-frame.mkv'),
      bytes.subarray(0, bytes.indexOf(Buffer.of(0x1f, 0x43, 0xb6, 0x75))),
    );
    await assertRefused(
      { DATA_FILE: inFolder('no-frame.mkv') },
      2,
      /^DATA_FILE .*no-frame.mkv is not a video /,
    );

    const blank = await readFile(good);
    blank.fill(0, blank.indexOf('mdat') + 4);
    await writeFile(inFolder('blank.mp4'), blank);
    await assertRefused(
      { DATA_FILE: inFolder('blank.mp4') },
      2,
      /^DATA_FILE .* has no frame that decodes \(/,
    );
  });

  it('of a picture larger than any that plays', async () => {
    const file = inFolder('huge.mkv');
    await testClip(file, { size: '16400x16', frames: 1, output: ['-c:v', 'ffv1'] });
    await assertRefused({ DATA_FILE: file }, 2, /^DATA_FILE .* says its picture is 16400×16; /);
  });

  it('of a machine without ffmpeg, or with only half of it', async () => {
    await assertRefused({ PATH: '' }, 1, /is not on this machine's PATH; install ffmpeg/);
    const bin = inFolder('half');
    await mkdir(bin);
    const ffprobe = (process.env['PATH'] ?? '')
      .split(delimiter)
      .map(path => `${path}/ffprobe`)
      .find(path => execFileSync('sh', ['-c', `test -x "$0" && echo yes || true`, path]).length > 0);
    await symlink(ffprobe ?? '', `${bin}/ffprobe`);
    await assertRefused({ PATH: bin }, 1, /^ffmpeg is not on this machine's PATH; install ffmpeg/);
  });

  it('of an ffmpeg that is too old, and of none that does not tell', async () => {
    const bin = inFolder('old');
    await mkdir(bin);
    const path = `${bin}${delimiter}${process.env['PATH']}`;
    const script = (version: string) =>
      writeFile(
        join(bin, 'ffmpeg'),
        `#!/bin/sh\n[ "$1" = -version ] && exec echo 'ffmpeg version ${version} Copyright'\nPATH=\${PATH#*:} exec ffmpeg "$@"\n`,
        { mode: 0o755 },
      );
    const brief = { PLAYBACK_LOOP: 'false', PLAYBACK_FPS: 1000 };
    for (const version of ['4.4.2-0ubuntu0.22.04.1', 'n5.0']) {
      await script(version);
      const sentence = `^${join(bin, 'ffmpeg')} is version ${version}, which is too old; install ffmpeg 5\\.1 or newer `;
      await assertRefused({ PATH: path, ...brief }, 1, new RegExp(sentence));
    }
    for (const version of ['n5.1', '10.0', 'N-112345-gabcdef0123', '2023-01-01-git-62da0b4a74']) {
      await script(version);
      const { playback } = await start({ PATH: path, ...brief });
      await using _ = playback;
      assert.equal(await playback.ended, 0, JSON.stringify(playback.log));
    }
  });

  it('of every bad variable at once', async () => {
    const bad = {
      PLAYBACK_HOST: 'not a host',
      PLAYBACK_PORT: 70_000,
      PLAYBACK_FPS: 'fast',
      PLAYBACK_LOOP: 'maybe',
      WIRE_FORMAT: 'jpeg',
      METRICS_PORT: -1,
      LOG_LEVEL: 'loud',
    };
    const { playback } = await start(bad);
    assert.equal(await playback.ended, 2);
    assert.equal(playback.log.length, 1);
    for (const [name, value] of Object.entries(bad)) {
      assert.ok(
        playback.log[0]!.msg.includes(`${name}="${value}" must be`),
        `${name} in ${playback.log[0]!.msg}`,
      );
    }
  });

  it('of a port that is taken', async () => {
    const server = createServer();
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as { port: number };
      await assertRefused(
        { PLAYBACK_PORT: port },
        1,
        new RegExp(`^port ${port} .* taken; set PLAYBACK_PORT to`),
      );
      await assertRefused(
        { METRICS_PORT: port },
        1,
        new RegExp(`^port ${port} .* taken; set METRICS_PORT to`),
      );
    } finally {
      server.close();
    }
  });
});

describe('a clip that plays', { concurrency: 4 }, () => {
  const looped = ({ telemetry }: { telemetry: string }, passes: number) =>
    until(
      async () => ((await metric(telemetry, 'noaa_playback_passes_total').catch(() => 0)) ?? 0) >= passes,
      `${passes} passes`,
    );

  it('may have any name that a file can have', async () => {
    for (const name of ['-i.mp4', 'a%03d.mp4', 'a:b c.mp4', "it's [one],two;.mp4", 'line\nbreak.mp4']) {
      await copyFile(good, inFolder(name));
      const { playback } = await start({
        DATA_FILE: inFolder(name),
        PLAYBACK_LOOP: 'false',
        PLAYBACK_FPS: 1000,
      });
      await using _ = playback;
      assert.equal(await playback.ended, 0, JSON.stringify(playback.log));
      assert.ok(playback.log.some(isPlaying));
    }
  });

  it('plays on and counts it where it is damaged in the middle', async () => {
    const bytes = await readFile(good);
    const middle = Math.floor(bytes.length / 2);
    bytes.fill(0xa5, middle, middle + 3000);
    await writeFile(inFolder('damaged.mp4'), bytes);
    const running = await start({ DATA_FILE: inFolder('damaged.mp4'), PLAYBACK_FPS: 500 });
    await using playback = running.playback;
    await looped(running, 2);
    assert.ok((await metric(running.telemetry, 'noaa_playback_decode_errors_total'))! > 0);
    assert.ok(
      playback.log.some(({ level, msg }) => level === 'warn' && /a part of .* did not decode/.test(msg)),
    );
    assert.equal((await playback.stop()).how, 0);
  });

  it('plays what is there and loops where its end is missing', async () => {
    const bytes = await readFile(good);
    await writeFile(inFolder('endless.mp4'), bytes.subarray(0, bytes.length * 0.6));
    const running = await start({ DATA_FILE: inFolder('endless.mp4'), PLAYBACK_FPS: 500 });
    await using playback = running.playback;
    await looped(running, 2);
    assert.ok((await metric(running.telemetry, 'noaa_playback_decode_errors_total'))! > 0);
    assert.equal((await playback.stop()).how, 0);
  });

  it('is held, and not published at its rate, when it is a single picture', async () => {
    const file = inFolder('still.mp4');
    await testClip(file, { frames: 1 });
    const running = await start({ DATA_FILE: file });
    await using playback = running.playback;
    const count = (what: string) => metric(running.telemetry, `noaa_playback_${what}_total`);
    await until(async () => (await count('frames_repeated'))! >= 2, 'the second repeat');
    assert.equal(await count('frames_published'), 1);
    assert.equal(await count('clock_resets'), 0);
    assert.equal((await playback.stop()).how, 0);
  });
});

describe('the end of playback leaves nothing behind', { concurrency: 4 }, () => {
  const decoders = ({ process }: RunningService) => childrenOf(process.pid!, 'ffmpeg');

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`on ${signal} while it plays`, async () => {
      const { playback } = await start({});
      await using _ = playback;
      await playback.logged(isPlaying);
      const [pid = 0] = await until(
        () => (decoders(playback).length > 0 ? decoders(playback) : undefined),
        'ffmpeg',
      );
      const { how, ms } = await playback.stop(signal);
      assert.equal(how, 0, JSON.stringify(playback.log));
      assert.ok(ms < STOP_MS, `${ms} ms`);
      await until(() => !isAlive(pid), 'the end of ffmpeg');
    });
  }

  it('on SIGTERM while the next frame is a long time off and the decoder waits', async () => {
    const { playback, telemetry } = await start({ PLAYBACK_FPS: 0.01 });
    await using _ = playback;
    await until(
      () => metric(telemetry, 'noaa_playback_frames_published_total').catch(() => undefined),
      'the first frame',
    );
    const pids = decoders(playback);
    const { how, ms } = await playback.stop();
    assert.equal(how, 0);
    assert.ok(ms < STOP_MS, `${ms} ms`);
    for (const pid of pids) await until(() => !isAlive(pid), 'the end of ffmpeg');
  });

  it('on SIGTERM while the decoder starts', async () => {
    const { playback } = await start({});
    await using _ = playback;
    await playback.logged(isPlaying);
    const { how, ms } = await playback.stop();
    assert.equal(how, 0);
    assert.ok(ms < STOP_MS, `${ms} ms`);
  });

  for (const program of ['ffprobe', 'ffmpeg']) {
    it(`on SIGTERM while ${program} hangs`, async () => {
      const bin = inFolder(`hanging-${program}`);
      await hangingPrograms(bin, program);
      const { playback } = await start({ PATH: `${bin}${delimiter}${process.env['PATH']}` });
      await using _ = playback;
      const pid = await until(() => childrenOf(playback.process.pid!, 'sleep')[0], program);
      const { how, ms } = await playback.stop();
      assert.equal(how, 0);
      assert.ok(ms < STOP_MS, `${ms} ms`);
      await until(() => !isAlive(pid), `the end of ${program}`);
    });
  }

  it('on SIGKILL, when it can do nothing itself', async () => {
    const { playback } = await start({});
    await using _ = playback;
    const pid = await until(() => decoders(playback)[0], 'ffmpeg');
    await playback.stop('SIGKILL');
    await until(() => !isAlive(pid), 'the end of ffmpeg');
  });

  it('and a decoder that somebody kills is replaced', async () => {
    const { playback, telemetry } = await start({ PLAYBACK_FPS: 5 });
    await using _ = playback;
    const published = () => metric(telemetry, 'noaa_playback_frames_published_total').catch(() => 0);
    await until(published, 'the first frame');
    const [pid = 0] = await until(
      () => (decoders(playback).length > 0 ? decoders(playback) : undefined),
      'ffmpeg',
    );
    process.kill(pid, 'SIGKILL');
    const before = (await published()) ?? 0;
    await until(async () => ((await published()) ?? 0) > before + 5, 'frames of the next decoder');
    assert.ok((await metric(telemetry, 'noaa_playback_decode_errors_total'))! > 0);
    assert.equal((await playback.stop()).how, 0);
  });
});
