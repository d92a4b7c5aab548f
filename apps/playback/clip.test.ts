import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ProbedStream, pickVideo, readClip } from './clip.ts';

const video: ProbedStream = {
  index: 0,
  codec_type: 'video',
  codec_name: 'h264',
  width: 64,
  height: 48,
  pix_fmt: 'yuv420p',
  avg_frame_rate: '25/1',
  r_frame_rate: '25/1',
  duration: '2.000000',
};
const read = (more: Partial<ProbedStream> = {}, format = {}) =>
  readClip('clip.mp4', pickVideo('clip.mp4', [{ ...video, ...more }]), format);

describe('readClip', () => {
  const pick = (...streams: Partial<ProbedStream>[]) =>
    pickVideo(
      'clip.mp4',
      streams.map((stream, index) => ({ ...video, index, ...stream })),
    )['index'];

  it('passes over a cover picture and thumbnails', () => {
    const marked = [{ attached_pic: 1 }, { timed_thumbnails: 1 }, { attached_pic: 0, timed_thumbnails: 0 }];
    assert.equal(pick(...marked.map(disposition => ({ disposition }))), 2);
  });

  it('plays the track that is marked as the default, else the largest, else the first', () => {
    const large = { width: 640, height: 480 };
    assert.equal(pick(large, { disposition: { default: 1 } }), 1);
    assert.equal(pick({}, large), 1);
    assert.equal(pick({ disposition: { default: 1 } }, { ...large, disposition: { default: 1 } }), 1);
    assert.equal(pick({}, {}), 0);
  });

  it('plays no still picture and nothing that does not decode where something else moves', () => {
    const large = { width: 640, height: 480, disposition: { default: 1 } };
    assert.equal(pick({ ...large, nb_frames: '1' }, {}), 1);
    assert.equal(pick({ ...large, disposition: { default: 1, still_image: 1 } }, {}), 1);
    assert.equal(pick({ ...large, codec_name: 'unknown' }, {}), 1);
    assert.equal(pick({ nb_frames: '1' }), 0);
  });

  it('takes the duration of the stream, else of the container, else none', () => {
    assert.equal(read().durationUs, 2e6);
    assert.equal(read({ duration: undefined }, { duration: '3.5' }).durationUs, 3.5e6);
    for (const nonsense of [undefined, 'N/A', '-1', '0', 'nan']) {
      assert.equal(read({ duration: nonsense }).durationUs, undefined);
    }
  });

  it('knows when the last frame of a GIF has stood its time', () => {
    assert.equal(read({ codec_name: 'gif', duration: '3.4' }).endUs, 3.4e6);
    assert.equal(read({ codec_name: 'gif', duration: undefined }, { duration: '3.4' }).endUs, undefined);
    assert.equal(read().endUs, undefined);
  });

  it('takes the average rate, else the nominal one, and neither where it cannot be', () => {
    assert.equal(read({ avg_frame_rate: '30000/1001' }).intervalUs, 1_001_000 / 30);
    assert.equal(read({ avg_frame_rate: '0/0' }).intervalUs, 40_000);
    assert.equal(read({ avg_frame_rate: '1/1000' }).intervalUs, 1e9);
    assert.equal(read({ avg_frame_rate: '1/1001' }).intervalUs, 40_000);
    assert.equal(read({ avg_frame_rate: '90000/1' }).intervalUs, 40_000);
    assert.equal(read({ avg_frame_rate: '0/0', r_frame_rate: '90000/1' }).intervalUs, 1e6 / 30);
  });

  it('swaps the sides of a picture that lies on its side, and takes a slant for the nearest right angle', () => {
    const matrix = (...[a, b, c, d]: number[]) => ({
      side_data_list: [
        { displaymatrix: `\n00000000: ${a} ${b} 0\n00000001: ${c} ${d} 0\n00000002: 0 0 1073741824\n` },
      ],
    });
    const { turn, width, height } = read(matrix(0, 65536, -65536, 0));
    assert.deepEqual([turn, width, height], ['clock', 48, 64]);
    assert.equal(read(matrix(65536, 9000, -9000, 65536)).turn, 'none');
    assert.equal(read(matrix(-65536, 9000, -9000, -65536)).turn, 'half');
    assert.equal(read({ side_data_list: [{ displaymatrix: 'nonsense' }] }).turn, 'none');
  });

  it('knows full range by its tag, by the older names and by formats that have no other', () => {
    assert.equal(read().fullRange, false);
    assert.equal(read({ color_range: 'pc' }).fullRange, true);
    assert.equal(read({ pix_fmt: 'yuvj420p' }).fullRange, true);
    assert.equal(read({ pix_fmt: 'monob' }).fullRange, true);
    assert.equal(read({ pix_fmt: 'gray' }).fullRange, true);
    assert.equal(read({ pix_fmt: 'gray16le', color_range: 'tv' }).fullRange, false);
  });

  it('refuses a picture that no frame can hold', () => {
    for (const size of [
      { width: 0 },
      { width: 16_385 },
      { width: 16_384, height: 16_384 },
      { height: undefined },
    ]) {
      assert.throws(() => read(size), { code: 'bad-clip', exitCode: 2, message: /says its picture is/ });
    }
  });

  it('refuses what this ffmpeg has no decoder for', () => {
    assert.throws(() => read({ codec_name: 'unknown' }), {
      code: 'bad-clip',
      message: /convert it to H\.264/,
    });
  });
});
