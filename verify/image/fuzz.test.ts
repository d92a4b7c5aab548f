import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { coverageOf } from '../fixtures/coverage.ts';
import { elf, good, type Made, rootfsFrom } from '../fixtures/made.ts';
import { type TarFile, tarOf, withChecksums } from '../fixtures/tar.ts';
import { type Image, readImage } from './archive.ts';
import { BadImage } from './bad-image.ts';
import { violationsOf } from './completeness.ts';
import { describe } from './documents.ts';
import { debianPackages, ownedPaths, recordedSums } from './dpkg.ts';
import { readElf } from './elf.ts';
import { cachedLibraries } from './ld-cache.ts';
import { sbomOf } from './sbom.ts';

/** `npm test` looks for a moment; set FUZZ_SECONDS to look for longer. */
const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 1);
const CORPUS = fileURLToPath(new URL('../fixtures/corpus', import.meta.url));
const FOUND = fileURLToPath(new URL('../../build/fuzz', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'noaa-fuzz-'));
after(() => rmSync(folder, { recursive: true }));
const covered = await coverageOf('/verify/image/');

const corpus = (kind: string) => globSync(`${CORPUS}/${kind}/*`).sort();

/** Looks for an input that breaks the promise; says how many it tried, and keeps the one that it found. */
async function fuzz<T>(
  t: TestContext,
  inputs: fc.Arbitrary<T>,
  promise: (input: T) => unknown,
  bytesOf: (input: T) => Buffer | string,
): Promise<void> {
  const property = fc.asyncProperty(inputs, async input => void (await promise(input)));
  const { numRuns, counterexample, failed, errorInstance } = await fc.check(property, {
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: SECONDS * 1000,
  });
  t.diagnostic(
    `${numRuns} executions, ${((await covered()) * 100).toFixed(0)} % of verify/image covered so far`,
  );
  if (!failed || !counterexample) return;
  const bytes = bytesOf(counterexample[0]);
  const kept = join(FOUND, createHash('sha256').update(bytes).digest('hex').slice(0, 16));
  mkdirSync(FOUND, { recursive: true });
  writeFileSync(kept, bytes);
  throw new Error(`${kept} breaks it; when it is mended, keep it in verify/fixtures/corpus`, {
    cause: errorInstance,
  });
}

/** Small changes at random places: what a damaged disk does, and what an attacker tries. */
const change = fc.record({
  kind: fc.constantFrom('flip', 'set', 'cut', 'double', 'number', 'zero'),
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  value: fc.nat(255),
  length: fc.nat(600),
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function changed(seed: Buffer, changes: Change[]): Buffer {
  let bytes = Buffer.from(seed);
  for (const { kind, at, value, length } of changes) {
    if (bytes.length < 16) break;
    const from = Math.floor(at * (bytes.length - 8));
    if (kind === 'flip') bytes[from]! ^= 1 << (value & 7);
    else if (kind === 'set') bytes[from] = value;
    else if (kind === 'number') bytes.writeBigUInt64LE(2n ** BigInt(value & 63) - BigInt(value & 1), from);
    else if (kind === 'zero') bytes.fill(0, from, Math.min(from + length, bytes.length));
    else if (kind === 'cut') bytes = Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + length)]);
    else bytes = Buffer.concat([bytes.subarray(0, from + length), bytes.subarray(from)]);
  }
  return bytes;
}
const mutated = (seeds: Buffer[]) =>
  fc
    .tuple(fc.constantFrom(...seeds), fc.array(change, { minLength: 1, maxLength: 6 }))
    .map(([seed, changes]) => changed(seed, changes));

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** An OCI archive of one layer in which every digest is right, so that the layer itself is read. */
function archiveOf(layer: Buffer, compress = (bytes: Buffer) => bytes): Buffer {
  const blobs: TarFile[] = [];
  const put = (content: Buffer | string) => {
    const bytes = Buffer.from(content);
    blobs.push({ name: `blobs/sha256/${sha256(bytes)}`, content: bytes });
    return { digest: `sha256:${sha256(bytes)}` };
  };
  const rootfs = { diff_ids: [`sha256:${sha256(layer)}`] };
  const config = put(JSON.stringify({ architecture: 'amd64', config: {}, rootfs }));
  const manifest = put(JSON.stringify({ config, layers: [put(compress(layer))] }));
  return tarOf([...blobs, { name: 'index.json', content: JSON.stringify({ manifests: [manifest] }) }]);
}

let count = 0;
async function readBytes(bytes: Buffer): Promise<void> {
  count += 1;
  const path = join(folder, `${count % 4}.tar`);
  writeFileSync(path, bytes);
  try {
    using image = await readImage(path);
    judged(image);
  } catch (thrown) {
    assert.ok(thrown instanceof BadImage, String((thrown as Error).stack));
    assert.doesNotMatch(thrown.message, /\n/);
  }
}

/** All that the gate does with an image's files. */
function judged(image: Image): void {
  for (const [path, entry] of image.rootfs) {
    assert.match(path, /^(\/[^/]+)+$/);
    assert.equal(entry.read().length, entry.size);
  }
  sbomOf(image);
  violationsOf(image, new Set(), new Date());
}

const LAYER = tarOf([
  { name: 'usr/', type: '5' },
  { name: 'usr/lib/libx.so.1', content: elf({ needed: ['libc.so.6'] }) },
  { name: 'usr/lib/libx.so', type: '2', target: 'libx.so.1' },
  { name: 'usr/lib/liby.so', type: '1', target: 'usr/lib/libx.so.1' },
  { name: 'pax', type: 'x', content: '19 path=usr/longer\n' },
  { name: 'usr/.wh.gone' },
  { name: 'usr/share/sbom/noaa-x.cdx.json', content: '{"components":[]}' },
  { name: 'var/lib/dpkg/status', content: 'Package: x\nStatus: install ok installed\nVersion: 1\n' },
]);
const ARCHIVES = [
  archiveOf(LAYER),
  archiveOf(LAYER, gzipSync),
  ...corpus('archive').map(path => readFileSync(path)),
];

for (const path of corpus('archive')) {
  test(`the kept archive ${basename(path)} is read, or refused in one sentence`, () =>
    readBytes(readFileSync(path)));
}

test('an archive with bytes changed is read, or refused in one sentence', async t => {
  await fuzz(t, mutated(ARCHIVES), readBytes, bytes => bytes);
});

test('a layer with bytes changed, under digests that fit it, is read, or refused in one sentence', async t => {
  const layers = mutated([LAYER]).map(layer => archiveOf(withChecksums(layer)));
  await fuzz(t, layers, readBytes, bytes => bytes);
});

test('a layer of any entries is read, or refused in one sentence', async t => {
  const name = fc
    .array(fc.constantFrom('usr', 'lib', '..', '.', '', 'a', '.wh.a', '.wh..wh..opq', 'ä'), {
      minLength: 1,
      maxLength: 5,
    })
    .map(parts => parts.join('/'));
  const entry: fc.Arbitrary<TarFile> = fc.record({
    name,
    type: fc.constantFrom('0', '0', '0', '1', '2', '3', '5', '5', '6', '7', 'L', 'K', 'x', 'g', 'S', '\0'),
    target: name,
    content: fc.oneof(
      fc.string({ maxLength: 30 }),
      name.map(path => `${path.length + 9} path=${path}\n`),
    ),
  });
  const layers = fc.array(entry, { maxLength: 12 }).map(entries => archiveOf(tarOf(entries)));
  await fuzz(t, layers, readBytes, bytes => bytes);
});

test('documents of any shape describe an image, or are refused in one sentence', async t => {
  const digest = `sha256:${'0'.repeat(64)}`;
  const keys = [
    'manifests',
    'digest',
    'config',
    'layers',
    'rootfs',
    'diff_ids',
    'Config',
    'Layers',
    'Labels',
  ];
  const leaf = fc.oneof(fc.constant(digest), fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
  const objectOf = (of: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
    fc.dictionary(fc.constantFrom(...keys), fc.oneof(of, fc.array(of, { maxLength: 2 })), { maxKeys: 4 });
  const value = objectOf(objectOf(objectOf(leaf)));
  const names = fc.constantFrom('index.json', 'manifest.json', `blobs/sha256/${'0'.repeat(64)}`);
  const documents = fc.dictionary(names, fc.oneof(value, fc.array(value, { maxLength: 2 })), { maxKeys: 3 });
  await fuzz(
    t,
    documents,
    given => {
      const bytes = new Map(
        Object.entries(given).map(([name, one]) => [name, Buffer.from(JSON.stringify(one) ?? '')]),
      );
      try {
        describe(bytes);
      } catch (thrown) {
        assert.ok(thrown instanceof BadImage, String(thrown));
      }
    },
    given => JSON.stringify(given),
  );
});

test("dpkg's records are read, whatever they hold", async t => {
  const made = good();
  const paths = [
    '/var/lib/dpkg/status',
    '/var/lib/dpkg/info/libc6:amd64.list',
    '/var/lib/dpkg/info/libc6:amd64.md5sums',
  ];
  const seeds = [
    ...paths.map(path => Buffer.from(made[path] as string)),
    ...corpus('dpkg').map(path => readFileSync(path)),
  ];
  const records = fc.tuple(
    fc.constantFrom(...paths),
    fc.oneof(
      mutated(seeds),
      fc.string().map(text => Buffer.from(text)),
    ),
  );
  await fuzz(
    t,
    records,
    ([path, content]) => {
      const rootfs = rootfsFrom({ ...made, [path]: { content } } as Made);
      debianPackages(rootfs);
      ownedPaths(rootfs);
      recordedSums(rootfs);
    },
    ([, content]) => content,
  );
});

test('an ELF file is read, or refused as leading out of itself', async t => {
  const seeds = [
    elf({
      interpreter: '/lib64/ld-linux-x86-64.so.2',
      needed: ['libc.so.6', 'libm.so.6'],
      runpath: '$ORIGIN/../lib',
    }),
    elf({ bits: 32 }),
    ...corpus('elf').map(path => readFileSync(path)),
  ];
  await fuzz(
    t,
    mutated(seeds),
    bytes => {
      if (bytes.length <= 64) return;
      try {
        readElf(bytes);
      } catch (thrown) {
        assert.ok(thrown instanceof RangeError, String(thrown));
      }
    },
    bytes => bytes,
  );
});

test("the loader's cache is read, or is none", async t => {
  const bytes = Buffer.alloc(200);
  bytes.write('glibc-ld.so.cache1.1');
  bytes.writeUInt32LE(3, 20);
  await fuzz(t, mutated([bytes]), cachedLibraries, one => one);
});
