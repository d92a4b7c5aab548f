import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PixelLayout, pixelBytes } from '../common/pixels.ts';
import { readMask } from './mask-file.ts';
import { fit, Redaction } from './redaction.ts';

function redaction(borderPx: number, mask?: object): Redaction {
  if (!mask) return new Redaction(borderPx, []);
  const reading = readMask(JSON.stringify({ version: 1, units: 'pixels', regions: [], ...mask }));
  assert.ok(reading.ok, reading.ok ? '' : reading.faults.join());
  return new Redaction(borderPx, [reading.mask]);
}

const layout = (width: number, height: number): PixelLayout => ({
  width,
  height,
  format: 'bgr24',
  order: 'C',
});

/** What becomes of a grey picture: `.` for a pixel that is as it was, `#` for a black one, `o` for a white one. */
function drawn(of: Redaction, width: number, height: number): string[] {
  const fitted = fit(of, layout(width, height));
  assert.ok(fitted.ok, fitted.ok ? '' : fitted.detail);
  const pixels = new Uint8Array(pixelBytes('bgr24', width, height)).fill(77);
  fitted.mask(pixels);
  const signs: Record<string, string> = { '77,77,77': '.', '0,0,0': '#', '255,255,255': 'o' };
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => {
      const at = 3 * (y * width + x);
      return signs[String(pixels.subarray(at, at + 3))] ?? '?';
    }).join(''),
  );
}

const picture = { width: 8, height: 6 };
const on = (mask: object): string[] => drawn(redaction(0, { picture, ...mask }), 8, 6);

test('a rectangle covers the pixels that it says, and each that it touches', () => {
  const rectangle = { name: 'r', shape: 'rectangle', x: 2, y: 1, width: 3, height: 2 };
  assert.deepEqual(on({ regions: [rectangle] }), [
    '........',
    '..###...',
    '..###...',
    '........',
    '........',
    '........',
  ]);
  assert.deepEqual(on({ regions: [{ ...rectangle, x: 2.9, width: 0.2, y: 1.99, height: 0.02 }] }), [
    '........',
    '..##....',
    '..##....',
    '........',
    '........',
    '........',
  ]);
});

test('a polygon of whole pixels covers what the same rectangle does', () => {
  const points = [
    [2, 1],
    [5, 1],
    [5, 3],
    [2, 3],
  ];
  for (const corners of [points, points.toReversed()]) {
    assert.deepEqual(on({ regions: [{ name: 'p', shape: 'polygon', points: corners }] }), [
      '........',
      '..###...',
      '..###...',
      '........',
      '........',
      '........',
    ]);
  }
});

test('where an outline winds around twice a polygon covers too, and keepOnly does not keep', () => {
  // A square, and a smaller one inside it run in the same sense.
  const points = [
    [0, 0],
    [8, 0],
    [8, 6],
    [0, 6],
    [0, 0],
    [3, 2],
    [6, 2],
    [6, 4],
    [3, 4],
    [3, 2],
  ];
  const region = { name: 'twice', shape: 'polygon', points };
  assert.deepEqual(on({ regions: [region] }), new Array(6).fill('########'));
  const kept = on({ mode: 'keepOnly', regions: [region] });
  assert.equal(kept[2]!.slice(3, 6), '###');
  assert.equal(kept[3]!.slice(3, 6), '###');
  assert.equal(kept[5], '........');
});

test('keepOnly keeps no pixel that the outline passes through, be it there and back again', () => {
  const points = [
    [0, 0],
    [8, 0],
    [4.5, 6],
    [4.5, 0],
    [4.5, 6],
  ];
  const kept = on({ mode: 'keepOnly', regions: [{ name: 'slit', shape: 'polygon', points }] });
  assert.deepEqual(
    kept.map(row => row[4]),
    new Array(6).fill('#'),
  );
  assert.equal(kept[0], '#...#..#');
});

test('a margin widens what is covered, and narrows what is kept', () => {
  const region = { name: 'r', shape: 'rectangle', x: 2, y: 2, width: 4, height: 3 };
  assert.deepEqual(on({ margin: 0.5, regions: [region] }), [
    '........',
    '.######.',
    '.######.',
    '.######.',
    '.######.',
    '.######.',
  ]);
  assert.deepEqual(on({ mode: 'keepOnly', margin: 1, regions: [region] }), [
    '########',
    '########',
    '########',
    '###..###',
    '########',
    '########',
  ]);
});

test('a border per side and REDACT_WIDTH hold both: the wider counts', () => {
  const mask = { picture, border: { top: 3, left: 1 } };
  assert.deepEqual(drawn(redaction(1, mask), 8, 6), [
    '########',
    '########',
    '########',
    '##.....#',
    '##.....#',
    '########',
  ]);
});

test('normalised units are of whatever size the picture has', () => {
  const mask = {
    units: 'normalised',
    border: { bottom: 0.1 },
    regions: [{ name: 'r', shape: 'rectangle', x: 0.1, y: 0, width: 0.2, height: 0.5 }],
  };
  assert.deepEqual(drawn(redaction(0, mask), 10, 10), [
    ...new Array(5).fill('.##.......'),
    ...new Array(4).fill('..........'),
    '##########',
  ]);
  assert.deepEqual(drawn(redaction(0, mask), 5, 4), ['##...', '##...', '.....', '#####']);
});

test('a mask for another size is refused with both, never stretched', () => {
  const fitted = fit(redaction(9, { picture, regions: [] }), layout(16, 12));
  assert.ok(!fitted.ok);
  assert.match(fitted.detail, /the mask is for 8×6, and the picture is 16×12; draw it anew/);
});

test('a picture of which nothing would be covered is refused', () => {
  const whole = { name: 'all', shape: 'rectangle', x: 0, y: 0, width: 8, height: 6 };
  const fitted = fit(redaction(0, { picture, mode: 'keepOnly', regions: [whole] }), layout(8, 6));
  assert.deepEqual(fitted, { ok: false, detail: 'nothing of a 8×6 picture would be covered' });
});

test('one that leaves nothing visible is a warning with the variable and the size', () => {
  const warningsOf = (of: Redaction) => {
    const fitted = fit(of, layout(8, 6));
    assert.ok(fitted.ok);
    return fitted.warnings;
  };
  assert.deepEqual(warningsOf(redaction(2)), []);
  assert.deepEqual(warningsOf(redaction(100)), [
    'REDACT_WIDTH=100 leaves nothing of the 8×6 picture visible; cover less of it',
  ]);
  assert.deepEqual(warningsOf(redaction(1, { picture, mode: 'keepOnly' })), [
    'REDACT_WIDTH=1 and MASK_FILE leave nothing of the 8×6 picture visible; cover less of it',
  ]);
});

test('a label stands in the middle of its region, in capitals, and nowhere else', () => {
  const region = { name: 'r', shape: 'rectangle', x: 1, y: 1, width: 16, height: 11, label: 'Hi' };
  const size = { width: 20, height: 14 };
  assert.deepEqual(drawn(redaction(0, { picture: size, regions: [region] }), 20, 14), [
    '....................',
    '.################...',
    '.################...',
    '.###o###o##ooo###...',
    '.###o###o###o####...',
    '.###o###o###o####...',
    '.###ooooo###o####...',
    '.###o###o###o####...',
    '.###o###o###o####...',
    '.###o###o##ooo###...',
    '.################...',
    '.################...',
    '....................',
    '....................',
  ]);
});

test('a label that does not fit is left out with a warning, and never drawn over the picture', () => {
  const points = [
    [0, 0],
    [40, 0],
    [40, 3],
    [3, 3],
    [3, 30],
    [0, 30],
  ];
  const region = { name: 'bent', shape: 'polygon', points, label: 'SECRET' };
  const fitted = fit(redaction(0, { picture: { width: 40, height: 30 }, regions: [region] }), layout(40, 30));
  assert.ok(fitted.ok);
  assert.deepEqual(fitted.warnings, ['the label of the region bent does not fit into it and is not drawn']);
});

test('the digest is of what is covered, not of how the file spells it', () => {
  const region = { name: 'r', shape: 'rectangle', x: 1, y: 1, width: 2, height: 2 };
  const base = redaction(5, { picture, regions: [region] });
  const same = redaction(5, { regions: [{ ...region }], picture, fill: '#000000', border: { top: 0 } });
  assert.equal(same.digest, base.digest);
  for (const other of [
    redaction(6, { picture, regions: [region] }),
    redaction(5, { picture, regions: [{ ...region, x: 1.5 }] }),
    redaction(5, { picture, regions: [region], fill: '#000001' }),
    redaction(5),
  ]) {
    assert.notEqual(other.digest, base.digest);
  }
});
