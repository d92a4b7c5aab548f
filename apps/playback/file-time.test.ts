import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileTime, timePattern } from './file-time.ts';

const iso = (name: string, pattern?: string) => {
  const ms = fileTime(name, pattern === undefined ? undefined : timePattern(pattern));
  return ms === undefined ? undefined : new Date(ms).toISOString().replace('.000', '');
};

describe('fileTime', () => {
  for (const [name, expected] of [
    ['goes17_conus_20171021T180617Z.png', '2017-10-21T18:06:17Z'],
    ['GOES16_FD_CH13_20190101T000000Z.jpg', '2019-01-01T00:00:00Z'],
    ['GOES-17_ABI_RadC_20171021_180617.png', '2017-10-21T18:06:17Z'],
    ['frame-20171021-1806.tif', '2017-10-21T18:06:00Z'],
    ['20171021180617.jpg', '2017-10-21T18:06:17Z'],
    ['20213001201_GOES16-ABI-CONUS-13-5000x3000.jpg', '2021-10-27T12:01:00Z'],
    ['OR_ABI-L1b-RadC-M6C13_G16_s20213001201174_e20213001203558_c20213001204003.png', '2021-10-27T12:01:17Z'],
    ['2021-10-27_12-01-17.png', '2021-10-27T12:01:17Z'],
    ['himawari 2021-10-27T12:01Z.jpg', '2021-10-27T12:01:00Z'],
    ['goes16_2021-10-27_1201.png', '2021-10-27T12:01:00Z'],
    ['GOES-East_2021-10-27T120117Z.png', '2021-10-27T12:01:17Z'],
    ['20211027_12-01-17.png', '2021-10-27T12:01:17Z'],
    ['20211027 1201.png', '2021-10-27T12:01:00Z'],
    ['goes_2021_300_1201.png', '2021-10-27T12:01:00Z'],
    ['goes.2021.300.120117.png', '2021-10-27T12:01:17Z'],
    ['20200661530.jpg', '2020-03-06T15:30:00Z'],
    ['20203661530.jpg', '2020-12-31T15:30:00Z'],
    // No time, or none that a calendar has.
    ['20213661201.jpg', undefined],
    ['20210230T120000.jpg', undefined],
    ['frame_000123.png', undefined],
    ['5000x3000.png', undefined],
    ['20171021.png', undefined],
    ['12345678901234567890.png', undefined],
  ] as const) {
    it(`reads ${name} as ${expected ?? 'no time'}`, () => assert.equal(iso(name), expected));
  }

  it('takes a pattern of the user’s own, and nothing else then', () => {
    assert.equal(iso('img_21.10.2017_18h06.png', 'img_%d.%m.%Y_%Hh%M'), '2017-10-21T18:06:00Z');
    assert.equal(iso('x-1508609177-y.png', '-%s-'), '2017-10-21T18:06:17Z');
    assert.equal(iso('a17294b.png', 'a%y%jb'), '2017-10-21T00:00:00Z');
    assert.equal(iso('20171021T180617Z.png', 'img_%Y%m%d'), undefined);
    assert.equal(iso('100%20171021', '100%%%Y%m%d'), '2017-10-21T00:00:00Z');
    assert.equal(iso('(20171021)', '(%Y%m%d)'), '2017-10-21T00:00:00Z');
  });
});

describe('timePattern', () => {
  for (const [pattern, message] of [
    ['%Y%m%d_%Q', /has %Q, which is none of %Y %y %m/],
    ['%H%M', /must have a day in it/],
    ['%Y%m%d%', /has %,/],
    ['%Y%m%d%Y', /each field once/],
  ] as const) {
    it(`refuses ${pattern}`, () => assert.throws(() => timePattern(pattern), { message }));
  }
});
