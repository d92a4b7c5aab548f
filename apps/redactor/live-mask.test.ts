import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, open, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { LiveMask } from './live-mask.ts';
import type { Redaction } from './redaction.ts';

const stop = new AbortController();
let folder: string;
let file: string;
let changes: [from: bigint | undefined, to: bigint][];
let faults: string[];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'noaa-mask-'));
});
after(async () => {
  stop.abort();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  file = join(folder, 'mask.json');
  await rm(file, { force: true });
  changes = [];
  faults = [];
});

/** The text of a mask with one rectangle, of this width. */
const maskOf = (width: number): string =>
  JSON.stringify({
    version: 1,
    units: 'normalised',
    regions: [{ name: 'r', shape: 'rectangle', x: 0, y: 0, width, height: 1 }],
  });

const follow = (borderPx = 1): LiveMask =>
  new LiveMask(
    file,
    borderPx,
    {
      maskChanged: (to, from) => changes.push([from?.digest, to.digest]),
      maskFaulty: fault => faults.push(fault),
    },
    stop.signal,
  );

/** The widths of all rectangles in force at a moment, or why none is. */
function inForce(mask: LiveMask, nowMs?: number): number[] | string {
  const now = mask.now(nowMs);
  return now.ok ? widthsOf(now.redaction) : now.detail;
}

const widthsOf = ({ masks }: Redaction): number[] =>
  masks.flatMap(({ regions }) => regions.map(region => (region.shape === 'rectangle' ? region.width : 0)));

const LATER = 10_000;

async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

test('from the moment a mask is replaced both are in force, and then the new one alone', async () => {
  await writeFile(file, maskOf(0.25));
  const mask = follow();
  const startMs = performance.now();
  assert.deepEqual(inForce(mask, startMs + 1000), [0.25]);
  await replace(file, maskOf(0.5));
  assert.deepEqual(inForce(mask, startMs + 1001), [0.25, 0.5]);
  assert.deepEqual(inForce(mask, startMs + 1100), [0.25, 0.5]);
  assert.deepEqual(inForce(mask, startMs + 2000), [0.5]);
  assert.equal(changes.length, 2);
  assert.equal(changes[1]![0], changes[0]![1]);
});

test('changes that follow each other add up until the file is left alone', async () => {
  await writeFile(file, maskOf(0.1));
  const mask = follow();
  const startMs = performance.now() + LATER;
  mask.now(startMs);
  for (const [i, width] of [0.2, 0.3, 0.4].entries()) {
    await replace(file, maskOf(width));
    mask.now(startMs + 100 * (i + 1));
  }
  assert.deepEqual(inForce(mask, startMs + 301), [0.1, 0.2, 0.3, 0.4]);
  assert.deepEqual(inForce(mask, startMs + LATER), [0.4]);
});

test('a file that changes without end is followed no longer, and again when it is left alone', async () => {
  await writeFile(file, maskOf(0.01));
  const mask = follow();
  const startMs = performance.now() + LATER;
  mask.now(startMs);
  for (let i = 2; i <= 20; i += 1) {
    await replace(file, maskOf(i / 100));
    mask.now(startMs + i);
  }
  assert.match(inForce(mask, startMs + 21) as string, /changes too often to follow/);
  assert.deepEqual(inForce(mask, startMs + LATER), [0.2]);
});

test('a mask that is written in place withholds frames while it is half written, and is no fault', async () => {
  await writeFile(file, maskOf(0.25));
  const mask = follow();
  const startMs = performance.now() + LATER;
  mask.now(startMs);
  const text = maskOf(0.5);
  const handle = await open(file, 'w');
  assert.match(inForce(mask, startMs + 1) as string, /is no mask: it is not JSON/);
  await handle.write(text.slice(0, 40));
  assert.match(inForce(mask, startMs + 2) as string, /is no mask: it is not JSON/);
  await handle.write(text.slice(40));
  assert.deepEqual(inForce(mask, startMs + 3), [0.25, 0.5]);
  await handle.close();
  assert.deepEqual(inForce(mask, startMs + LATER), [0.5]);
  assert.deepEqual(faults, []);
});

test('a write of the same length, within one tick of the clock of the file system, is seen', async () => {
  await writeFile(file, maskOf(0.25));
  const mask = follow();
  const startMs = performance.now() + LATER;
  mask.now(startMs);
  await writeFile(file, maskOf(0.35));
  mask.now(startMs + 1);
  await writeFile(file, maskOf(0.45));
  assert.deepEqual(inForce(mask, startMs + 2), [0.25, 0.35, 0.45]);
});

test('a folder swapped by symbolic link, as Kubernetes does it, is followed', async () => {
  for (const [name, width] of [
    ['..1', 0.25],
    ['..2', 0.5],
  ] as const) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'linked.json'), maskOf(width));
  }
  await symlink('..1', join(folder, '..data'));
  file = join(folder, 'linked.json');
  await symlink('..data/linked.json', file);
  const mask = follow();
  assert.deepEqual(inForce(mask, LATER), [0.25]);
  await symlink('..2', join(folder, '..data_tmp'));
  await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  assert.deepEqual(inForce(mask, LATER + 1), [0.25, 0.5]);
  assert.deepEqual(inForce(mask, 2 * LATER), [0.5]);
});

test('a mask at fault is reported once it stays so, and nothing is in force until it is put right', async () => {
  await writeFile(file, maskOf(0.25));
  const mask = follow();
  const startMs = performance.now() + LATER;
  mask.now(startMs);
  await replace(file, '{"version": 3, "units": "normalised", "regions": []}');
  assert.match(
    inForce(mask, startMs + 1) as string,
    /^MASK_FILE \S+mask\.json is no mask: version must be 1$/,
  );
  assert.deepEqual(faults, []);
  mask.now(startMs + LATER);
  assert.equal(faults.length, 1);
  mask.now(startMs + 2 * LATER);
  assert.equal(faults.length, 1);
  await replace(file, maskOf(0.75));
  // What was in force before the fault holds while the new one settles.
  assert.deepEqual(inForce(mask, startMs + 2 * LATER + 1), [0.25, 0.75]);
  assert.deepEqual(inForce(mask, startMs + 3 * LATER), [0.75]);
  assert.equal(changes.length, 2);
});

test('a mask that is gone, is no file, is too long or may not be read is a fault that says so', async () => {
  await writeFile(file, maskOf(0.25));
  const mask = follow();
  let atMs = performance.now();
  const look = () => {
    atMs += LATER;
    return inForce(mask, atMs) as string;
  };
  await rm(file);
  assert.match(look(), /^MASK_FILE \S+ is not there; put a mask there$/);
  await mkdir(file);
  assert.match(look(), /is not a file; set it to one$/);
  await rm(file, { recursive: true });
  await writeFile(file, ' '.repeat(2 ** 20 + 1));
  assert.match(look(), /is longer than 1 MiB; make it shorter$/);
  if (process.getuid?.() !== 0) {
    await writeFile(file, maskOf(0.5));
    await chmod(file, 0);
    assert.match(look(), /can't be read; let user \d+ read it$/);
    await chmod(file, 0o600);
  }
});

test('the same mask in another spelling is no change', async () => {
  await writeFile(file, maskOf(0.25));
  const mask = follow();
  const [, digest] = changes[0]!;
  const { regions, ...rest } = JSON.parse(maskOf(0.25));
  await replace(file, JSON.stringify({ regions, mode: 'cover', fill: '#000000', ...rest }, null, 2));
  const now = mask.now(performance.now() + LATER);
  assert.ok(now.ok);
  assert.equal(mask.now(performance.now() + 2 * LATER).ok, true);
  assert.equal(changes.length, 1);
  const last = mask.now();
  assert.ok(last.ok && last.redaction.digest === digest);
});

test('a mask that covers nothing is refused where there is no border either', async () => {
  await writeFile(file, '{"version": 1, "units": "normalised", "regions": []}');
  assert.match(inForce(follow(0)) as string, /covers nothing, and neither does REDACT_WIDTH=0/);
  assert.deepEqual(inForce(follow(1)), []);
  await writeFile(file, '{"version": 1, "units": "normalised", "border": {"top": 0.1}, "regions": []}');
  assert.deepEqual(inForce(follow(0)), []);
});
