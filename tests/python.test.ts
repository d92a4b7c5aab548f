/** Any one service can be the challenge's own: Python stand-ins, written from its description, talk to ours. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { subscribe } from '../apps/common/bus.ts';
import { type Frame, parseMessage } from '../apps/common/frame.ts';
import { PYTHON, requirePython, script } from './python/interpreter.ts';
import { ffmpeg, temporaryFolder } from './support/clips.ts';
import { decodeJpeg } from './support/jpeg.ts';
import { freePort } from './support/ports.ts';
import {
  chainEnvironment,
  type RunningService,
  type ServiceName,
  startProcess,
  startService,
} from './support/services.ts';
import { parts } from './support/streams.ts';

type Origin = 'theirs' | 'ours';

const [WIDTH, HEIGHT, FRAMES] = [160, 120, 10];
const FRAME_BYTES = WIDTH * HEIGHT * 3;
const FRAME_US = 100_000n;
const BORDERS = { narrow: 10, wide: 24 };
/** Mean error of a pixel: JPEG causes up to 6.4 here, another border 46, another clip 114. */
const JPEG_ERROR = 12;
const LIMIT = { timeout: 120_000 };

const folder = await temporaryFolder();
const clips = { plain: join(folder.path, 'plain.mkv'), negative: join(folder.path, 'negative.mkv') };
type Clip = keyof typeof clips;
const frames: Record<Clip, Buffer[]> = { plain: [], negative: [] };

/** A clip without loss, so that every decoder gives the very same pixels; and what those are, in BGR. */
async function makeClip(path: string, filters: string): Promise<Buffer[]> {
  const source = `testsrc2=size=${WIDTH}x${HEIGHT}:rate=10`;
  await ffmpeg(
    '-f',
    'lavfi',
    '-i',
    source,
    '-frames:v',
    String(FRAMES),
    '-vf',
    filters,
    '-c:v',
    'ffv1',
    path,
  );
  await ffmpeg('-i', path, '-f', 'rawvideo', '-pix_fmt', 'bgr24', `${path}.raw`);
  const raw = await readFile(`${path}.raw`);
  return Array.from({ length: FRAMES }, (_, i) => raw.subarray(i * FRAME_BYTES, (i + 1) * FRAME_BYTES));
}

before(async () => {
  requirePython();
  frames.plain = await makeClip(clips.plain, 'format=bgr0');
  frames.negative = await makeClip(clips.negative, 'format=bgr0,negate');
});
after(() => folder[Symbol.asyncDispose]());

/** What the challenge's rectangles leave of a frame: their corners are inclusive. */
function redacted(frame: Buffer, border: number): Buffer {
  const copy = Buffer.from(frame);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const open = x > border && y > border && x < WIDTH - border && y < HEIGHT - border;
      if (!open) copy.fill(0, (y * WIDTH + x) * 3, (y * WIDTH + x) * 3 + 3);
    }
  }
  return copy;
}

const expected = (clip: Clip, border: number) => frames[clip].map(frame => redacted(frame, border));

/** The first frame on a port that fits; it fails as soon as one of `services` ends. */
async function frameOn(
  port: number,
  services: RunningService[],
  fits: (frame: Frame) => boolean,
): Promise<Frame> {
  const stop = new AbortController();
  const source = subscribe({ host: '127.0.0.1', port, variable: '' }, stop.signal);
  const refusals: string[] = [];
  const find = async () => {
    for await (const parts of source) {
      const frame = parseMessage(parts);
      if (!frame.ok) refusals.push(frame.reason);
      else if (fits(frame)) return frame;
    }
    throw new Error(`no frame fitted; refused: ${refusals}`);
  };
  try {
    return await orEnd(services, find());
  } finally {
    stop.abort();
  }
}

/** Settles as `work` does, unless a service ends first. */
async function orEnd<T>(services: RunningService[], work: Promise<T>): Promise<T> {
  const ends = services.map(async service => {
    const how = await service.ended;
    throw new Error(`a service ended (${how}): ${service.log.map(line => line.msg).join('\n')}`);
  });
  return await Promise.race([work, ...ends]);
}

/** Pictures as a viewer of the visualizer gets them. */
async function* pictures(origin: Origin, web: string): AsyncGenerator<Buffer> {
  if (origin === 'ours') for await (const { body } of parts(`${web}/stream.mjpg`)) yield body;
  else for (;;) yield Buffer.from(await (await fetch(web)).arrayBuffer());
}

function meanError(rgba: Uint8ClampedArray, bgr: Buffer): number {
  let sum = 0;
  for (let i = 0; i < WIDTH * HEIGHT; i++) {
    for (const channel of [0, 1, 2]) sum += Math.abs(rgba[4 * i + 2 - channel]! - bgr[3 * i + channel]!);
  }
  return sum / FRAME_BYTES;
}

/** Waits until the viewer sees one of `wanted`. */
async function seen(
  origin: Origin,
  web: string,
  services: RunningService[],
  wanted: Buffer[],
): Promise<void> {
  const look = async () => {
    for await (const jpeg of pictures(origin, web)) {
      const { width, height, rgba } = await decodeJpeg(jpeg);
      if (width !== WIDTH || height !== HEIGHT) continue;
      if (wanted.some(frame => meanError(rgba, frame) < JPEG_ERROR)) return;
    }
    throw new Error('the pictures ended');
  };
  await orEnd(services, look());
}

describe('the picture is right to the pixel, and comes back after each restart of each service', () => {
  for (const playback of ['theirs', 'ours'] as const) {
    for (const redactor of ['theirs', 'ours'] as const) {
      for (const visualizer of ['theirs', 'ours'] as const) {
        const origins = { playback, redactor, visualizer };
        it(`with playback ${playback}, redactor ${redactor}, visualizer ${visualizer}`, LIMIT, () =>
          runChain(origins),
        );
      }
    }
  }
});

async function runChain(origins: Record<ServiceName, Origin>): Promise<void> {
  const environment = await chainEnvironment({
    WIRE_FORMAT: 'numpy',
    // Behind our own redactor every frame is marked, wherever it came from.
    ALLOW_UNMARKED_FRAMES: origins.redactor === 'theirs' ? 1 : 0,
  });
  const { web } = environment;
  const redactorPort = environment.redactor.REDACTOR_PORT;
  const running = new Map<ServiceName, RunningService>();
  const start = (name: ServiceName, more: Record<string, string | number> = {}) => {
    const env = { ...environment[name], ...more };
    const service =
      origins[name] === 'ours'
        ? startService(name, env)
        : startProcess(name, PYTHON, [script(`${name}.py`)], env);
    running.set(name, service);
    return service;
  };
  const restart = async (name: ServiceName, more: Record<string, string | number> = {}) => {
    await running.get(name)!.stop();
    return start(name, more);
  };
  const services = () => [...running.values()];
  const shows = async (clip: Clip, border: number) => {
    const wanted = expected(clip, border);
    const frame = await frameOn(redactorPort, services(), ({ pixels }) =>
      wanted.some(each => each.equals(pixels)),
    );
    assert.equal(frame.redacted, origins.redactor === 'ours');
    assert.equal(frame.stamp !== undefined, origins.redactor === 'ours');
    if (origins.playback === 'ours' && frame.stamp) {
      // What playback said of the frame came through: which moment of the clip it is.
      const moments = wanted.flatMap((each, i) => (each.equals(frame.pixels) ? [BigInt(i) * FRAME_US] : []));
      assert.ok(moments.includes(frame.stamp.positionUs), `${frame.stamp.positionUs} is none of ${moments}`);
    }
    await orEnd(
      services(),
      running.get('visualizer')!.logged(({ msg }) => msg.includes('serving the picture')),
    );
    await seen(origins.visualizer, web, services(), wanted);
  };

  try {
    // The last one first: none may need the one before it in order to start.
    start('visualizer');
    start('redactor', { REDACT_WIDTH: BORDERS.narrow });
    start('playback', { DATA_FILE: clips.plain });
    await shows('plain', BORDERS.narrow);

    await restart('playback', { DATA_FILE: clips.negative });
    await shows('negative', BORDERS.narrow);

    await restart('redactor', { REDACT_WIDTH: BORDERS.wide });
    await shows('negative', BORDERS.wide);

    await restart('visualizer');
    await shows('negative', BORDERS.wide);
  } finally {
    await Promise.all(services().map(service => service[Symbol.asyncDispose]()));
  }
}

describe('an OpenCV service between our playback and our redactor', () => {
  async function runRecipe(
    name: string,
    format: 'numpy' | 'bgr24',
    check: (frame: Frame) => void,
  ): Promise<void> {
    const environment = await chainEnvironment({ WIRE_FORMAT: format, DATA_FILE: clips.plain });
    const port = await freePort();
    const from = environment.playback.PLAYBACK_PORT;
    await using redactor = startService('redactor', {
      ...environment.redactor,
      PLAYBACK_PORT: port,
      REDACT_WIDTH: BORDERS.narrow,
    });
    await using recipe = startProcess(name, PYTHON, [script(name), String(from), String(port)]);
    await using playback = startService('playback', environment.playback);
    const services = [redactor, recipe, playback];
    const frame = await frameOn(environment.redactor.REDACTOR_PORT, services, () => true);
    assert.ok(frame.redacted);
    assert.equal(frame.format, format);
    check(frame);
  }

  /** The values of a pixel's channels, for each pixel that `picked` picks. */
  function pixelsOf({ pixels }: Frame, picked: (x: number, y: number, at: number) => boolean): number[][] {
    const values: number[][] = [];
    for (let at = 0; at < FRAME_BYTES; at += 3) {
      const [x, y] = [(at / 3) % WIDTH, Math.floor(at / 3 / WIDTH)];
      if (picked(x, y, at)) values.push([...pixels.subarray(at, at + 3)]);
    }
    return values;
  }

  it(
    'shows edges only, and passes on the trailer that it does not know, by the recipe for numpy',
    LIMIT,
    () =>
      runRecipe('recipe_edges.py', 'numpy', frame => {
        const values = new Set(pixelsOf(frame, () => true).map(String));
        assert.deepEqual([...values].sort(), ['0,0,0', '255,255,255']);
        assert.equal(frame.stamp!.positionUs % FRAME_US, 0n);
      }),
  );

  it('draws the time into the message itself, and touches nothing else, by the recipe for bgr24', LIMIT, () =>
    runRecipe('recipe_timestamp.py', 'bgr24', frame => {
      const original = expected('plain', BORDERS.narrow)[Number(frame.stamp!.positionUs / FRAME_US)]!;
      const changed = pixelsOf(frame, (x, y, at) => {
        const same = original.subarray(at, at + 3).equals(frame.pixels.subarray(at, at + 3));
        assert.ok(
          same || (x >= WIDTH / 4 && Math.abs(y - HEIGHT / 2) < 20),
          `${x}, ${y} is not where the time is`,
        );
        return !same;
      });
      assert.ok(changed.length > 50);
      assert.ok(changed.some(pixel => pixel.every(value => value === 255)));
    }),
  );
});
