/** Masks from the file to the viewer: what they cover reaches nobody, and nothing but the file lifts one. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Publisher, Subscriber } from 'zeromq';
import { type Frame, FrameLayout, parseFrame, writeStamp } from '../apps/common/frame.ts';
import { readMask } from '../apps/redactor/mask-file.ts';
import { Redaction } from '../apps/redactor/redaction.ts';
import { encodeRaw, temporaryFolder } from './support/clips.ts';
import { withoutComment } from './support/jpeg.ts';
import { verdicts } from './support/mask-reference.ts';
import {
  chainEnvironment,
  metric,
  type RunningService,
  startChain,
  startService,
} from './support/services.ts';
import { events, parts } from './support/streams.ts';
import { until } from './support/until.ts';

const WIDTH = 322;
const HEIGHT = 242;
const FRAMES = 5;

const REGIONS = [
  {
    name: 'a star',
    shape: 'polygon',
    points: [
      [0.2, 0.9],
      [0.35, 0.15],
      [0.5, 0.9],
      [0.12, 0.4],
      [0.58, 0.42],
    ],
  },
  { name: 'a dish', shape: 'ellipse', cx: 0.8, cy: 0.3, rx: 0.11, ry: 0.2 },
  { name: 'a stamp', shape: 'rectangle', x: 0.6, y: 0.71, width: 0.31, height: 0.1, label: 'CLOSED' },
];
const COVER = {
  version: 1,
  units: 'normalised',
  border: { bottom: 0.05 },
  margin: 2,
  fill: '#203040',
  regions: REGIONS,
};
const KEEP = {
  version: 1,
  units: 'normalised',
  mode: 'keepOnly',
  margin: 3,
  regions: REGIONS.slice(0, 2),
};

/** A clip in RGB, without loss, of a moving pattern; what the mask covers is of this value instead. */
async function clipWith(path: string, mask: object, borderPx: number, value: number): Promise<string> {
  const reading = readMask(JSON.stringify(mask));
  assert.ok(reading.ok);
  const covered = verdicts({ borderPx, masks: [reading.mask] }, WIDTH, HEIGHT);
  const pixels = new Uint8Array(3 * WIDTH * HEIGHT * FRAMES);
  for (let at = 0; at < pixels.length; at += 1) {
    const pixel = Math.floor(at / 3) % (WIDTH * HEIGHT);
    const frame = Math.floor(at / 3 / (WIDTH * HEIGHT));
    const pattern = (pixel * 7 + frame * 50 + (at % 3) * 90) % 251;
    pixels[at] = covered[pixel] === 'covered' ? (pattern * value) % 256 : pattern;
  }
  await encodeRaw(path, { pixelFormat: 'rgb24', width: WIDTH, height: HEIGHT, pixels });
  return path;
}

/** What viewers see of each position, on the event stream, as parts and as snapshots: hashes of the JPEGs. */
async function seen(clip: string, maskFile: string, borderPx: number): Promise<Map<string, string>> {
  await using chain = await startChain({ DATA_FILE: clip, REDACT_WIDTH: borderPx, MASK_FILE: maskFile });
  const all = new Map<string, string>();
  const hash = (jpeg: Buffer) => createHash('sha256').update(jpeg).digest('hex');
  for await (const { event, data } of events(`${chain.web}/stream`)) {
    if (event !== 'frame') continue;
    all.set(`event ${data.position}`, hash(Buffer.from(data.jpeg, 'base64')));
    if (all.size === FRAMES) break;
  }
  const pictures = new Set(all.values());
  for await (const { body } of parts(`${chain.web}/stream.mjpg`)) {
    assert.ok(pictures.has(hash(body)), 'a part of MJPEG is another picture');
    all.set(`part ${hash(body)}`, '');
    if (all.size === 2 * FRAMES) break;
  }
  const snapshot = Buffer.from(await (await fetch(`${chain.web}/snapshot.jpg`)).arrayBuffer());
  assert.ok(pictures.has(hash(withoutComment(snapshot))), 'the snapshot is another picture');
  return new Map([...all].toSorted());
}

for (const [name, mask, borderPx] of [
  ['covers regions', COVER, 0],
  ['covers regions besides the border', COVER, 20],
  ['keeps regions only', KEEP, 1],
] as const) {
  test(`two clips that differ only under a mask that ${name} look the same to every viewer`, async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'mask.json');
    await writeFile(file, JSON.stringify(mask));
    const one = await clipWith(join(folder.path, 'one.mkv'), mask, borderPx, 3);
    const other = await clipWith(join(folder.path, 'other.mkv'), mask, borderPx, 201);
    assert.deepEqual(await seen(other, file, borderPx), await seen(one, file, borderPx));
  });
}

test('viewers are told why there is no picture, without the names of regions', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'mask.json');
  await writeFile(file, JSON.stringify(COVER));
  const clip = await clipWith(join(folder.path, 'clip.mkv'), COVER, 0, 3);
  await using chain = await startChain({ DATA_FILE: clip, MASK_FILE: file, REDACT_WIDTH: 0 });
  const statusOf = async () => (await (await fetch(`${chain.web}/status`)).json()) as Record<string, string>;
  await until(async () => (await statusOf())['state'] === 'live', 'a live picture');
  await writeFile(file, JSON.stringify({ ...COVER, margin: 'wide', regions: [{ name: 'a secret place' }] }));
  const refusing = await until(async () => {
    const status = await statusOf();
    return status['state'] === 'refusing' && status;
  }, 'the reason');
  assert.match(
    (refusing as Record<string, string>)['message']!,
    /MASK_FILE \S+mask\.json is no mask; the log of the redactor says why/,
  );
  await writeFile(file, JSON.stringify(COVER));
  await until(async () => (await statusOf())['state'] === 'live', 'the picture again');

  // A change shows everywhere, as the digest of what is in force now.
  const other = { ...COVER, margin: 5 };
  const reading = readMask(JSON.stringify(other));
  assert.ok(reading.ok);
  const digest = new Redaction(0, [reading.mask]).digest.toString(16).padStart(16, '0');
  await writeFile(file, JSON.stringify(other));
  await until(async () => (await statusOf())['mask'] === digest, 'the new digest in the status');
  const snapshot = await fetch(`${chain.web}/snapshot.jpg`);
  assert.equal(snapshot.headers.get('x-mask'), digest);
  assert.ok(Buffer.from(await snapshot.arrayBuffer()).includes(`mask ${digest}`), 'not in the comment');
  for await (const { headers } of parts(`${chain.web}/stream.mjpg`)) {
    assert.equal(headers['x-mask'], digest);
    break;
  }
  for await (const { event, data } of events(`${chain.web}/stream`)) {
    if (event !== 'frame') continue;
    assert.equal(data['mask'], digest);
    break;
  }
  const { msg } = await chain.services.redactor.logged(line => line['mask'] === digest);
  assert.match(msg, /^mask [\da-f]{16} is in force, instead of [\da-f]{16}: 0 px of border, 3 regions$/);
});

/** A mask over one half of the picture. */
const half = (side: 'left' | 'right'): string =>
  JSON.stringify({
    version: 1,
    units: 'normalised',
    regions: [{ name: side, shape: 'rectangle', x: side === 'left' ? 0 : 0.5, y: 0, width: 0.5, height: 1 }],
  });

const OPEN = 201;

/** A redactor between a playback and a subscriber of ours. */
class Bench implements AsyncDisposable {
  readonly folder: Awaited<ReturnType<typeof temporaryFolder>>;
  readonly file: string;
  readonly telemetry: string;
  readonly service: RunningService;
  readonly #publisher: Publisher;
  readonly #subscriber: Subscriber;
  readonly #layout = new FrameLayout('bgr24', 32, 16);
  #sequence = 0;

  private constructor(
    folder: Bench['folder'],
    file: string,
    telemetry: string,
    service: RunningService,
    publisher: Publisher,
    subscriber: Subscriber,
  ) {
    this.folder = folder;
    this.file = file;
    this.telemetry = telemetry;
    this.service = service;
    this.#publisher = publisher;
    this.#subscriber = subscriber;
  }

  static async start(mask: string, more: Record<string, string | number> = {}): Promise<Bench> {
    const folder = await temporaryFolder();
    const file = join(folder.path, 'mask.json');
    await writeFile(file, mask);
    const environment = await chainEnvironment({ REDACT_WIDTH: 0, MASK_FILE: file, ...more });
    const publisher = new Publisher({ linger: 0 });
    await publisher.bind(`tcp://127.0.0.1:${environment.playback.PLAYBACK_PORT}`);
    const service = startService('redactor', environment.redactor);
    const subscriber = new Subscriber({ receiveTimeout: 20_000, linger: 0 });
    subscriber.connect(`tcp://127.0.0.1:${environment.redactor.REDACTOR_PORT}`);
    subscriber.subscribe();
    const bench = new Bench(folder, file, environment.redactorTelemetry, service, publisher, subscriber);
    // A subscription takes a moment, so the first is sent until it comes through.
    let isThrough = false;
    const first = bench.#receive().then(() => {
      isThrough = true;
    });
    await until(async () => {
      await bench.send();
      return isThrough;
    }, 'the first frame');
    await first;
    return bench;
  }

  /** Publishes a frame and returns its number. */
  async send(): Promise<bigint> {
    const { pixelOffset, pixelBytes } = this.#layout;
    const message = this.#layout.allocate().fill(OPEN, pixelOffset, pixelOffset + pixelBytes);
    const sequence = BigInt(this.#sequence);
    this.#sequence += 1;
    writeStamp(message, { sequence, publishedAtNs: 1n, positionUs: 2n });
    await this.#publisher.send(message);
    return sequence;
  }

  async #receive(): Promise<Frame | string> {
    const [message] = (await this.#subscriber.receive()) as [Buffer];
    const read = parseFrame(message);
    if (read.ok) return read;
    assert.equal(read.reason, 'withheld');
    return read.detail;
  }

  /** Sends frames until one that was sent after this moment comes out, or a sentence in its place. */
  async next(): Promise<Frame | string> {
    const from = await this.send();
    for (;;) {
      const received = await this.#receive();
      if (typeof received === 'string' || received.stamp!.sequence >= from) return received;
    }
  }

  async replace(mask: string): Promise<void> {
    await writeFile(`${this.file}.new`, mask);
    await rename(`${this.file}.new`, this.file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#publisher.close();
    this.#subscriber.close();
    await this.service[Symbol.asyncDispose]();
    await this.folder[Symbol.asyncDispose]();
  }
}

/** Which halves of a frame are covered. */
function halves(frame: Frame | string): string {
  assert.ok(typeof frame !== 'string', `no frame: ${frame}`);
  assert.ok(frame.redacted);
  const values = (from: number, to: number) => {
    const found = new Set<number>();
    for (let at = 0; at < frame.pixels.length; at += 3) {
      const x = (at / 3) % frame.width;
      if (x >= from && x < to) for (const value of frame.pixels.subarray(at, at + 3)) found.add(value);
    }
    assert.equal(found.size, 1, 'a half is covered in part');
    return found.has(0);
  };
  return `${values(0, 16) ? 'left' : ''}${values(16, 32) ? 'right' : ''}`;
}

test('a new mask holds from the next frame on, beside the old one until it is left alone', async () => {
  await using bench = await Bench.start(half('left'));
  assert.equal(halves(await bench.next()), 'left');
  await bench.replace(half('right'));
  assert.equal(halves(await bench.next()), 'leftright');
  const alone = await until(async () => {
    const frame = await bench.next();
    const covered = halves(frame);
    assert.ok(covered.includes('right'), 'a frame was covered by the old mask alone');
    return covered === 'right' && (frame as Frame);
  }, 'the old mask to be lifted');
  assert.ok(alone);
  const changes = bench.service.log.filter(line => line['audit'] === 'mask');
  assert.equal(changes.length, 2);
  assert.ok(
    changes[1]!.msg.startsWith(`mask ${changes[1]!['mask']} is in force, instead of ${changes[0]!['mask']}`),
  );
  assert.equal(changes[1]!['before'], changes[0]!['mask']);
  assert.equal(changes[1]!['mask'], alone.stamp!.mask.toString(16).padStart(16, '0'));
  assert.ok(bench.service.log.some(line => line['audit'] === 'source' && line['width'] === 32));
});

test('a mask that is none stops publication with its reason everywhere, until it is put right', async () => {
  await using bench = await Bench.start(half('left'), { LOG_LEVEL: 'error' });
  assert.equal(halves(await bench.next()), 'left');
  await bench.replace('{"version": 1, "units": "normalised", "regions": [{"name": "r"}]}');
  const reason = await bench.next();
  assert.ok(typeof reason === 'string', 'a frame was published');
  assert.match(reason, /^MASK_FILE \S+mask\.json is no mask; the log of the redactor says why$/);
  const counted = 'noaa_redactor_frames_refused_total{reason="bad-mask"}';
  assert.ok(await until(() => metric(bench.telemetry, counted), 'the count'));
  const ready = await fetch(`${bench.telemetry}/readyz`);
  assert.equal(ready.status, 503);
  assert.match(
    await ready.text(),
    /^nothing is published: MASK_FILE \S+ is no mask: regions\[0\]\.shape must be one of rectangle/,
  );
  assert.equal((await fetch(`${bench.telemetry}/livez`)).status, 200);
  const { msg } = await bench.service.logged(line => line['audit'] === 'mask' && line.level === 'error');
  assert.match(msg, /^nothing is published: MASK_FILE/);

  await bench.replace(half('right'));
  const back = await until(async () => {
    const frame = await bench.next();
    return typeof frame !== 'string' && frame;
  }, 'frames to flow again');
  assert.match(halves(back as Frame), /right/);
});

test('a mask that is at fault when the pod starts is told to viewers, and put right without a restart', async () => {
  await using bench = await Bench.start('{"version": 1}', { WAIT_FOR_MASK: 1 });
  let reason: Frame | string | undefined;
  const told = bench.next().then(next => {
    reason = next;
  });
  // It is told at most twice a second.
  await until(async () => {
    await bench.send();
    return reason !== undefined;
  }, 'the reason');
  await told;
  assert.match(reason as unknown as string, /^MASK_FILE \S+mask\.json is no mask; the log/);
  const ready = await fetch(`${bench.telemetry}/readyz`);
  assert.match(await ready.text(), /^nothing is published: MASK_FILE \S+ is no mask: the file lacks "units"/);
  assert.equal((await fetch(`${bench.telemetry}/livez`)).status, 200);
  await bench.service.logged(line => line['audit'] === 'mask' && line.level === 'error');
  await bench.replace(half('right'));
  const frame = await until(async () => {
    const next = await bench.next();
    return typeof next !== 'string' && next;
  }, 'frames');
  assert.equal(halves(frame as Frame), 'right');
});

test('a mask for another size stops publication and says both sizes', async () => {
  await using bench = await Bench.start(half('left'));
  await bench.replace(
    '{"version": 1, "units": "pixels", "picture": {"width": 640, "height": 480}, "border": {"top": 9}, "regions": []}',
  );
  const reason = await bench.next();
  assert.match(reason as string, /the mask is for 640×480, and the picture is 32×16/);
  // Frames go on coming, and each is withheld.
  await until(async () => {
    await bench.send();
    return (await (await fetch(`${bench.telemetry}/readyz`)).text()).includes('the mask is for 640×480');
  }, 'health to say so');
});

test('no signal, no path and no header lifts a mask', async () => {
  await using bench = await Bench.start(half('left'));
  const { pid } = bench.service.process;
  for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGHUP', 'SIGWINCH', 'SIGCONT', 'SIGPIPE'] as const) {
    if (bench.service.process.exitCode !== null || bench.service.process.signalCode !== null) break;
    process.kill(pid!, signal);
    // Either it ends, which publishes nothing, or it goes on as it was.
    const frame = await Promise.race([bench.next(), bench.service.ended]);
    if (typeof frame === 'object') assert.equal(halves(frame), 'left', signal);
  }
  assert.ok(
    bench.service.log.every(({ msg }) => !/debugger|inspector/i.test(msg)),
    'a signal opened the debugger',
  );

  await using other = await Bench.start(half('left'));
  for (const path of [
    '/mask',
    '/mask?off=1',
    '/config',
    '/reload',
    '/-/reload',
    '/quit',
    '/readyz?mask=none',
  ]) {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH']) {
      const headers = { 'X-Mask': 'none', 'X-Redact-Width': '0' };
      const response = await fetch(`${other.telemetry}${path}`, { method, headers }).catch(() => undefined);
      await response?.body?.cancel();
    }
  }
  assert.equal(halves(await other.next()), 'left');
});

test('nothing to cover, and a mask that is none, end the start with one sentence', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'mask.json');
  await writeFile(file, '{"version": 2, "units": "px", "regions": [], "colour": "red"}');
  for (const [settings, sentence] of [
    [
      { REDACT_WIDTH: 0 },
      /^REDACT_WIDTH="0" covers nothing without a MASK_FILE; set it to 1 or more, or MASK_FILE/,
    ],
    [
      { MASK_FILE: file },
      /^MASK_FILE \S+ is no mask: (?=.*version must be 1)(?=.*units must be one of pixels, normalised)(?=.*"colour")/,
    ],
    [
      { MASK_FILE: join(folder.path, 'none.json') },
      /^MASK_FILE \S+none\.json is not there; put a mask there$/,
    ],
    [{ MASK_FILE: folder.path }, /^MASK_FILE \S+ is not a file; set it to one$/],
  ] as const) {
    const { redactor } = await chainEnvironment(settings);
    await using service = startService('redactor', redactor);
    assert.equal(await service.ended, 2);
    const fatal = service.log.filter(({ level }) => level === 'fatal');
    assert.equal(fatal.length, 1);
    assert.match(fatal[0]!.msg, sentence);
  }
});
