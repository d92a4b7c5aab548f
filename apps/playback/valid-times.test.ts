import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { temporaryFolder } from '../../tests/support/clips.ts';
import { clipTimes, evenTimes, isoTime, listedTimes } from './valid-times.ts';

const START = Date.UTC(2017, 9, 21, 18, 6, 17);
const iso = (ms: number) => (ms === 0 ? '' : new Date(ms).toISOString());

test('frames that are evenly spaced never drift, over 600 of them', () => {
  const times = evenTimes(START, 300.125);
  assert.equal(times.at(0), START);
  for (let index = 0; index < 600; index += 1) {
    assert.ok(Math.abs(times.at(index) - (START + index * 300_125)) <= 0.5);
  }
});

test('a time without a zone is UTC', () => {
  for (const text of ['2017-10-21T18:06:17Z', '2017-10-21 18:06:17', '2017-10-21T20:06:17+02:00']) {
    assert.equal(isoTime(text), START, text);
  }
  for (const bad of [
    'yesterday',
    '2017-13-21T18:06:17Z',
    '2017-10-21',
    '18:06',
    '1508609177',
    '1950-01-01T00:00:00Z',
  ]) {
    assert.throws(() => isoTime(bad), { message: /must be a time .* as in 2017-10-21T18:06:17Z/ }, bad);
  }
});

test('a list has a time a line, or a frame and its time, with or without a heading', () => {
  const plain = listedTimes('# made by hand\n2017-10-21T18:06:17Z\r\n\n2017-10-21T18:11:17Z\n');
  assert.deepEqual(
    [0, 1, 2].map(index => iso(plain.at(index))),
    ['2017-10-21T18:06:17.000Z', '2017-10-21T18:11:17.000Z', ''],
  );
  const numbered = listedTimes('frame,time\n0,"2017-10-21T18:06:17Z"\n2,2017-10-21T18:16:17Z\n');
  assert.deepEqual(
    [0, 1, 2].map(index => iso(numbered.at(index))),
    ['2017-10-21T18:06:17.000Z', '', '2017-10-21T18:16:17.000Z'],
  );
  assert.throws(() => listedTimes('2017-10-21T18:06:17Z\nsoon\n'), {
    message: /^line 2, "soon", must be a time/,
  });
  assert.throws(() => listedTimes('x,2017-10-21T18:06:17Z\n'), { message: /number of a frame/ });
});

test('the list beside a clip comes before CLIP_START, and a bad one is named with its line', async () => {
  await using folder = await temporaryFolder();
  const even = { startMs: START, stepSeconds: 60 };
  const clip = `${folder.path}/loop.mp4`;
  const none = { startMs: undefined, stepSeconds: undefined };
  assert.equal((await clipTimes(clip, none)).at(5), 0);
  assert.equal((await clipTimes(clip, even)).at(5), START + 300_000);
  await writeFile(`${folder.path}/loop.mp4.times.csv`, '2020-01-01T00:00Z\n');
  assert.equal(iso((await clipTimes(clip, even)).at(0)), '2020-01-01T00:00:00.000Z');
  await writeFile(`${folder.path}/loop.times.csv`, '\uFEFF2021-01-01T00:00Z\n');
  assert.equal(iso((await clipTimes(clip, even)).at(0)), '2021-01-01T00:00:00.000Z');
  await writeFile(`${folder.path}/loop.times.csv`, '2021-01-01T00:00Z\nnoon\n');
  await assert.rejects(clipTimes(clip, even), {
    code: 'bad-clip',
    message: /loop\.times\.csv is bad: line 2, "noon", must be a time/,
  });
});
