/** The tests of the masks are good for something only if they fail when the masks do. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { PixelLayout } from '../apps/common/pixels.ts';
import { pixelBytes } from '../apps/common/pixels.ts';
import { maskOf } from '../apps/redactor/mask.ts';
import { readMask } from '../apps/redactor/mask-file.ts';
import { fit, Redaction } from '../apps/redactor/redaction.ts';
import { samplesOfPixel } from './support/mask-arbitraries.ts';
import { verdicts } from './support/mask-reference.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PROPERTY = 'apps/redactor/redactor.property.test.ts';

interface Mutation {
  what: string;
  file: string;
  from: string;
  to: string;
  /** The tests that must fail. */
  test?: string;
}

const MUTATIONS: Mutation[] = [
  {
    what: 'drops the mark',
    file: 'redactor.ts',
    from: '    markRedacted(frame, redaction.digest);\n',
    to: '',
  },
  {
    what: 'publishes before it masks',
    file: 'redactor.ts',
    from: '    fitted.mask(frame.pixels);\n    const coverMs = performance.now() - beganMs;\n    markRedacted(frame, redaction.digest);\n    await sink.send(frame.message);\n',
    to: '    const coverMs = performance.now() - beganMs;\n    markRedacted(frame, redaction.digest);\n    await sink.send(frame.message);\n    fitted.mask(frame.pixels);\n',
  },
  {
    what: 'masks what it received and publishes a copy made before',
    file: 'redactor.ts',
    from: '    fitted.mask(frame.pixels);\n',
    to: '    fitted.mask(received.pixels);\n',
  },
  {
    what: 'publishes although it is not known what to cover',
    file: 'redactor.ts',
    from: "    if (!current.ok) {\n      const { detail, forViewers } = current;\n      await withhold({ reason: 'bad-mask', detail, forViewers }, received);\n      continue;\n    }\n    const { redaction } = current;\n",
    to: '    const redaction = (globalThis.kept = current.redaction ?? globalThis.kept);\n    if (!redaction) continue;\n',
  },
  {
    what: 'believes a header with width and height exchanged',
    file: 'redactor.ts',
    from: '    if (doubt !== undefined) {',
    to: '    if (doubt === "") {',
    test: 'apps/redactor/redactor.test.ts',
  },
  {
    what: 'keeps the mask of the layout before',
    file: 'redactor.ts',
    from: '      before?.width === width &&\n      before.height === height &&\n',
    to: '      before !== undefined &&\n',
  },
  {
    what: 'covers no more than the border',
    file: 'redaction.ts',
    from: 'union([border, ...covers.map(({ pixels }) => pixels)])',
    to: 'border',
  },
  {
    what: 'forgets the border',
    file: 'redaction.ts',
    from: 'union([border, ...covers.map(({ pixels }) => pixels)])',
    to: 'union([border.map(() => []), ...covers.map(({ pixels }) => pixels)])',
  },
  {
    what: 'fits a mask to a picture of another size',
    file: 'redaction.ts',
    from: 'if (otherSize) return',
    to: "if (otherSize === 'never') return",
    test: 'apps/redactor/redaction.test.ts',
  },
  {
    what: 'makes the border a pixel narrower at the top',
    file: 'border.ts',
    from: 'top: widthPx + 1',
    to: 'top: widthPx',
  },
  {
    what: 'leaves a chroma sample that two pixels share',
    file: 'spans.ts',
    from: '(end + 1) >> 1',
    to: 'end >> 1',
  },
  {
    what: 'takes columns for rows',
    file: 'mask.ts',
    from: 'byRows ? samples : transposed(samples, plane.width)',
    to: 'samples',
  },
  {
    what: 'leaves out the last run',
    file: 'mask.ts',
    from: 'i < bounds.length;',
    to: 'i < bounds.length - 2;',
  },
  {
    what: 'leaves out pixels that a slanted edge only touches',
    file: 'shapes/polygon.ts',
    from: 'return [...outline(edges, top, bottom), ...inside];',
    to: 'return inside;',
  },
  {
    what: 'leaves out what is wound around twice',
    file: 'shapes/polygon.ts',
    from: 'winding => winding !== 0',
    to: 'winding => winding % 2 !== 0',
    test: 'apps/redactor/redaction.test.ts',
  },
  {
    what: 'rounds an ellipse inwards',
    file: 'shapes/shape.ts',
    from: 'Math.max(0, Math.floor(start) - reach)',
    to: 'Math.max(0, Math.round(start) - reach)',
  },
  {
    what: 'keeps pixels that lie partly outside of what is kept',
    file: 'shapes/shape.ts',
    from: 'Math.min(width, Math.floor(end) - reach)',
    to: 'Math.min(width, Math.ceil(end) - reach)',
  },
  {
    what: 'forgets the old mask while the new one settles',
    file: 'live-mask.ts',
    from: '[...this.#masks, this.#newest]',
    to: '[this.#newest]',
    test: 'apps/redactor/live-mask.test.ts',
  },
  {
    what: 'keeps the last good mask when the file is none',
    file: 'live-mask.ts',
    from: '    if (!this.#newest) {\n',
    to: '    if (!this.#newest && this.#masks.length > 0) return this.#inForce;\n    if (!this.#newest) {\n',
    test: 'apps/redactor/live-mask.test.ts',
  },
];

describe('a redactor is caught that', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'noaa-mutations-'));
    await mkdir(join(folder, 'apps'));
    for (const part of ['apps/common', 'apps/redactor', 'tests/support', 'package.json'])
      await cp(join(ROOT, part), join(folder, part), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  });
  after(() => rm(folder, { recursive: true }));

  /** What the tests say, or nothing if they pass. */
  async function failure(test: string): Promise<string | undefined> {
    const env: NodeJS.ProcessEnv = { ...process.env, MASK_CASES: '400' };
    // A test runner within a test runner reports in a form of its own.
    delete env['NODE_TEST_CONTEXT'];
    return await promisify(execFile)(process.execPath, ['--test', join(folder, test)], {
      env,
      cwd: folder,
    }).then(
      () => undefined,
      (error: { stdout: string }) => error.stdout,
    );
  }

  for (const { what, file, from, to, test = PROPERTY } of MUTATIONS) {
    it(what, async () => {
      const path = join(folder, 'apps/redactor', file);
      const source = await readFile(path, 'utf8');
      assert.ok(source.includes(from), `${file} has no ${from}`);
      await writeFile(path, source.replaceAll(from, to));
      try {
        assert.match((await failure(test)) ?? 'no test failed', /AssertionError|Property failed/);
      } finally {
        await writeFile(path, source);
      }
    });
  }

  it('is none of these only if it passes them all', async () => {
    for (const test of new Set([PROPERTY, ...MUTATIONS.flatMap(({ test = [] }) => test)]))
      assert.equal(await failure(test), undefined);
  });
});

describe('a mask that lacks any one run of bytes', () => {
  const reading = readMask(
    JSON.stringify({
      version: 1,
      units: 'pixels',
      picture: { width: 31, height: 23 },
      border: { top: 2, left: 1 },
      regions: [
        { name: 'a', shape: 'ellipse', cx: 12, cy: 12, rx: 5.5, ry: 6 },
        {
          name: 'b',
          shape: 'polygon',
          points: [
            [15, 5],
            [29, 20],
            [29, 5],
            [15, 20],
          ],
        },
      ],
    }),
  );
  assert.ok(reading.ok);
  const redaction = new Redaction(1, [reading.mask]);
  const covered = verdicts(redaction, 31, 23).flatMap((verdict, i) =>
    verdict === 'covered' ? [[i % 31, Math.floor(i / 31)] as const] : [],
  );

  for (const [format, order] of [
    ['i420', 'C'],
    ['bgr24', 'C'],
    ['numpy', 'F'],
  ] as const) {
    it(`leaves a covered sample of ${format} in order ${order} as it was`, () => {
      const layout: PixelLayout = { width: 31, height: 23, format, order };
      const picture = { width: 31, height: 23, kind: order === 'F' ? 'fortran' : format } as const;
      const samples = covered.flatMap(([x, y]) => samplesOfPixel(picture, x, y, '#000000'));
      const shows = (mask: (pixels: Uint8Array) => void) => {
        const pixels = new Uint8Array(pixelBytes(format, 31, 23)).fill(77);
        mask(pixels);
        return samples.some(({ at, value }) => pixels[at] !== value);
      };
      const fitted = fit(redaction, layout);
      assert.ok(fitted.ok && !shows(fitted.mask));
      const { fills } = fitted;
      let runs = 0;
      for (const fill of fills) {
        for (let i = 0; i < fill.bounds.length; i += 2) {
          const bounds = fill.bounds.filter((_, at) => at !== i && at !== i + 1);
          assert.ok(shows(maskOf(fills.map(other => (other === fill ? { ...fill, bounds } : other)))));
          runs += 1;
        }
      }
      assert.ok(runs > 30);
    });
  }
});
