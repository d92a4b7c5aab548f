import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { hexDigest } from './digest.ts';
import { readMask } from './mask-file.ts';
import { Redaction } from './redaction.ts';

const MASK = {
  version: 1,
  picture: { width: 1920, height: 1080 },
  units: 'pixels',
  border: { top: 100, right: 100, bottom: 100, left: 100 },
  mode: 'cover',
  margin: 8,
  fill: '#000000',
  regions: [
    {
      name: 'harbour',
      shape: 'polygon',
      points: [
        [200, 300],
        [420, 310],
        [390, 520],
      ],
      label: 'REDACTED',
    },
    { name: 'stamp', shape: 'rectangle', x: 1500, y: 40, width: 360, height: 60 },
    { name: 'dish', shape: 'ellipse', cx: 960, cy: 540, rx: 80, ry: 60 },
  ],
};

function faultsOf(value: unknown): string[] {
  const reading = readMask(typeof value === 'string' ? value : JSON.stringify(value));
  return reading.ok ? [] : reading.faults;
}

test('a mask with every kind of region is read, and what it leaves out has its default', () => {
  assert.deepEqual(faultsOf(MASK), []);
  const reading = readMask('{"version": 1, "units": "normalised", "regions": [], "fill": "#ABCDEF"}');
  assert.ok(reading.ok);
  assert.deepEqual(reading.mask, {
    version: 1,
    units: 'normalised',
    picture: undefined,
    border: { top: 0, right: 0, bottom: 0, left: 0 },
    mode: 'cover',
    margin: 0,
    fill: '#abcdef',
    regions: [],
  });
});

test('every fault is named at once, with its place and what would do', () => {
  const faults = faultsOf({
    version: 2,
    units: 'normalised',
    colour: 'red',
    fill: 'red',
    border: { top: 100 },
    margin: -1,
    regions: [
      { name: 'a', shape: 'rectangle', x: 0.9, y: 0.1, width: 0.2, height: 0.3 },
      {
        name: 'b',
        shape: 'polygon',
        points: [
          [0, 0],
          [0.1, 0.2],
          [0.2, 0.4],
        ],
      },
      { name: 'c', shape: 'circle' },
      { name: 'd', shape: 'ellipse', cx: 0.5, rx: 0, ry: 0.1 },
      { name: 'e', shape: 'polygon', points: [[0, 0]], label: 'é' },
      { shape: 'rectangle', x: 0, y: 0, width: '1', height: 1 },
    ],
  });
  const expected = [
    'version must be 1',
    'the file has "colour", which means nothing there',
    'fill must be an opaque colour, as in "#000000"',
    'border.top is 100; with "units": "normalised" it must be from 0 to 1',
    'margin must be >= 0',
    "regions[0] (a): it reaches from 0.9 to 1.1 across, outside the picture's 0 to 1; move it or make it smaller",
    'regions[1] (b): all its points lie on one line, so it covers nothing; give it an area',
    'regions[2].shape must be one of rectangle, ellipse, polygon',
    'regions[3] lacks "cy"',
    'regions[3].rx must be > 0',
    'regions[4].points must have at least 3 entries',
    'regions[4].label must be 1 to 64 characters of ASCII: the font has no others',
    'regions[5] lacks "name"',
    'regions[5].width must be a JSON number',
  ];
  assert.deepEqual(faults.toSorted(), expected.toSorted());
});

test('pixels are of a picture of a stated size, and regions lie inside it', () => {
  const { picture: _, ...unsized } = MASK;
  assert.deepEqual(faultsOf(unsized), [
    'the file lacks "picture", the width and height that its pixels are of',
  ]);
  for (const [region, way] of [
    [{ shape: 'rectangle', x: 1900, y: 0, width: 21, height: 1 }, 'from 1900 to 1921 across'],
    [{ shape: 'rectangle', x: 5000, y: 0, width: 1, height: 1 }, 'from 5000 to 5001 across'],
    [{ shape: 'ellipse', cx: 10, cy: 20, rx: 11, ry: 20 }, 'from -1 to 21 across'],
    [{ shape: 'ellipse', cx: 10, cy: 1079, rx: 1, ry: 2 }, 'from 1077 to 1081 down'],
    [
      {
        shape: 'polygon',
        points: [
          [0, 0],
          [9, 0],
          [9, 1081],
        ],
      },
      'from 0 to 1081 down',
    ],
  ] as const) {
    const [fault, ...more] = faultsOf({ ...MASK, regions: [{ name: 'out', ...region }] });
    assert.deepEqual(more, []);
    assert.ok(fault?.startsWith(`regions[0] (out): it reaches ${way}, outside the picture's`), fault);
  }
  // As far as the edge is inside.
  const whole = { name: 'all', shape: 'rectangle', x: 0, y: 0, width: 1920, height: 1080 };
  assert.deepEqual(faultsOf({ ...MASK, regions: [whole] }), []);
});

test('a border in pixels is of whole pixels: a fraction is meant for normalised units', () => {
  assert.deepEqual(faultsOf({ ...MASK, border: { left: 0.1 } }), [
    'border.left is 0.1; with "units": "pixels" it must be a whole number',
  ]);
});

test('a label on what keepOnly leaves visible is refused', () => {
  assert.deepEqual(faultsOf({ ...MASK, mode: 'keepOnly' }), [
    'regions[0] (harbour): it has a label, which would hide part of what keepOnly leaves visible; take the label out',
  ]);
});

test('what is no JSON, or JSON of another kind, is refused in one sentence', () => {
  for (const text of ['', '{', '{"version": 1,}', '\u0000'])
    assert.match(faultsOf(text).join(), /^it is not JSON: /);
  for (const text of ['null', '3', '"mask"', '[]']) {
    assert.deepEqual(faultsOf(text), ['the file must be a JSON object']);
  }
});

test('nothing that a fault quotes of the file works on a terminal', () => {
  const hostile = '\u001b[2J\u0007\u009b1m\u202e\u061c\u2066\u2028';
  for (const text of [
    hostile,
    JSON.stringify({ ...MASK, [hostile]: 1 }),
    `{"version":1,"units":"normalised","regions":[],"${hostile.slice(6)}":1,"${hostile.slice(6)}":2}`,
  ])
    assert.doesNotMatch(faultsOf(text).join() || assert.fail('no fault'), /[\p{C}\p{Zl}\p{Zp}]/u);
});

test('a key that stands twice is refused: JSON.parse would drop what the first one covers', () => {
  const region = '{"name": "a:b{", "shape": "rectangle", "x": 0, "y": 0, "width": 1, "height": 1}';
  const repeated = `{"version": 1, "units": "normalised", "regions": [${region}, ${region}], "regi\\u006fns": []}`;
  assert.deepEqual(faultsOf(repeated), ['"regions" stands twice in one object; keep one of the two']);
  assert.deepEqual(faultsOf(repeated.replace(', "regi\\u006fns": []', '')), []);
});

test('a byte order mark before the JSON means nothing', () => {
  assert.deepEqual(faultsOf(`\uFEFF${JSON.stringify(MASK)}`), []);
});

test('outlines of so many corners that drawing them would take the redactor too long are refused', () => {
  const points = Array.from({ length: 2000 }, (_, i) => [i % 2 ? 0 : 1900, i / 2]);
  const regions = Array.from({ length: 6 }, (_, i) => ({ name: `${i}`, shape: 'polygon', points }));
  assert.deepEqual(faultsOf({ ...MASK, regions: regions.slice(1) }), []);
  assert.match(
    faultsOf({ ...MASK, regions }).join(),
    /^its polygons have 12000 corners together, and at most 10000 .*simplify/,
  );
});

test('the published schema names itself as one, so that editors check a mask as it is written', () => {
  const schema = JSON.parse(readFileSync(new URL('mask.schema.json', import.meta.url), 'utf8'));
  assert.equal(schema.$schema, 'http://json-schema.org/draft-07/schema#');
  assert.deepEqual(faultsOf({ $schema: './mask.schema.json', ...MASK }), []);
});

test('every mask that the documentation shows is accepted', () => {
  const page = readFileSync(new URL('../../docs/masks.md', import.meta.url), 'utf8');
  const masks = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json]) => json!);
  assert.equal(masks.length, 2);
  for (const mask of masks) assert.deepEqual(faultsOf(mask), []);
});

test('the digest of the border alone is what the documentation has anyone compute', () => {
  const page = readFileSync(new URL('../../docs/masks.md', import.meta.url), 'utf8');
  const [, shown] = /sha256sum \| cut -c1-16\n {4}([0-9a-f]{16})\n/.exec(page)!;
  assert.equal(hexDigest(new Redaction(100, []).digest), shown);
});
