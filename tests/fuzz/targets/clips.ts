import assert from 'node:assert/strict';
import { type ProbedFormat, pickVideo, readClip, reportedCrop } from '../../../apps/playback/clip.ts';
import { colourFilters } from '../../../apps/playback/colour.ts';
import { fileTime, timePattern } from '../../../apps/playback/file-time.ts';
import { FrameLog } from '../../../apps/playback/frame-log.ts';
import { readHeader } from '../../../apps/playback/image-header.ts';
import { listedTimes } from '../../../apps/playback/valid-times.ts';
import type { Target } from '../engine.ts';
import { JSON_WORDS, orFault, pure } from './helpers.ts';

const PROBED = {
  streams: [
    {
      index: 0,
      codec_type: 'video',
      codec_name: 'h264',
      width: 320,
      height: 240,
      sample_aspect_ratio: '4:3',
      pix_fmt: 'yuv420p',
      color_space: 'bt709',
      color_range: 'tv',
      field_order: 'tt',
      avg_frame_rate: '30000/1001',
      r_frame_rate: '30/1',
      duration: '12.5',
      nb_frames: '300',
      disposition: { default: 1, attached_pic: 0, timed_thumbnails: 0, still_image: 0 },
      tags: { alpha_mode: '1' },
      side_data_list: [
        { side_data_type: 'Display Matrix', displaymatrix: '\n00000000: 0 65536 0\n00000001: -65536 0 0\n' },
        { side_data_type: 'Frame Cropping', crop_left: 2, crop_top: 2, crop_right: 0, crop_bottom: 4 },
      ],
    },
    { index: 1, codec_type: 'audio' },
  ],
  format: { duration: '12.600000' },
  frames: [{ interlaced_frame: 1, side_data_list: [{ side_data_type: '3x3 displaymatrix', rotation: -90 }] }],
};

/** What else ffprobe may find, by pixel format, matrix and turn. */
const VARIANTS: object[] = [
  { pix_fmt: 'yuv444p10le', color_space: 'bt2020nc', field_order: 'progressive', side_data_list: [] },
  { pix_fmt: 'yuvj422p', color_space: 'smpte170m', color_range: 'pc', width: 321, height: 241 },
  { pix_fmt: 'gbrp12le', color_space: 'gbr', side_data_list: [{ rotation: 180 }] },
  { pix_fmt: 'pal8', codec_name: 'gif', sample_aspect_ratio: 'N/A' },
  { pix_fmt: 'yuva444p16le', codec_name: 'prores', color_space: 'unknown' },
  { pix_fmt: 'rgba64be', codec_name: 'png', disposition: { still_image: 1 } },
  { pix_fmt: 'gray16le', color_range: 'unknown', sample_aspect_ratio: '1:1' },
];

function orError(run: () => unknown): void {
  try {
    run();
  } catch (thrown) {
    assert.ok(thrown instanceof Error && thrown.constructor === Error, `${thrown}`);
  }
}

function isTime(ms: number | undefined): void {
  assert.ok(ms === undefined || Number.isSafeInteger(ms), `${ms}`);
}

function readsProbe(input: Buffer): void {
  let answer: typeof PROBED;
  try {
    answer = JSON.parse(input.toString());
  } catch {
    return;
  }
  if (typeof answer !== 'object' || answer === null) return;
  const { streams = [], format = {}, frames = [] } = answer;
  const isList = (list: unknown) => Array.isArray(list) && list.every(one => typeof one === 'object' && one);
  // ffprobe itself writes lists of objects, whatever is in the file.
  if (!isList(streams) || !isList(frames) || typeof format !== 'object' || !format) return;
  const lists = [...streams, ...frames].map(one => (one as { side_data_list?: unknown }).side_data_list);
  if (!lists.every(list => list === undefined || isList(list))) return;
  orFault(() => {
    const video = pickVideo('clip.mp4', streams as never);
    const clip = readClip(
      'clip.mp4',
      video,
      format as ProbedFormat,
      frames[0] as never,
      {},
      reportedCrop(video),
    );
    for (const value of [clip.width, clip.height])
      assert.ok(Number.isInteger(value) && value >= 1, `${value}`);
    assert.ok(clip.intervalUs > 0 && Number.isFinite(clip.intervalUs), `${clip.intervalUs}`);
    for (const format of ['i420', 'bgr24', 'numpy'] as const) {
      const filters = colourFilters(clip, format).join();
      assert.doesNotMatch(filters, /NaN|undefined|Infinity|null|\n/, filters);
      if (filters.includes(clip.pixelFormat)) assert.match(clip.pixelFormat, /^\w+$/);
    }
  });
}

export const clips: Target[] = [
  {
    name: 'ffprobe',
    files: /apps\/playback\/(clip|crop|shape|colour|alpha)\.ts$/,
    seeds: () => [
      Buffer.from(JSON.stringify(PROBED)),
      ...VARIANTS.map(more =>
        Buffer.from(JSON.stringify({ ...PROBED, streams: [{ ...PROBED.streams[0], ...more }], frames: [] })),
      ),
    ],
    dictionary: [
      ...JSON_WORDS,
      '"yuv444p10le"',
      '"pal8"',
      '"gbrp"',
      '"0/0"',
      '"1/0"',
      '"N/A"',
      '"still_image":1',
      '"rotation":',
      '90',
      '"unknown"',
    ],
    maxBytes: 4096,
    limitMs: 100,
    open: pure(readsProbe),
  },
  {
    name: 'ffmpeg',
    files: /apps\/playback\/(frame-log|valid-times|image-header|file-time)\.ts$/,
    seeds: () => [
      Buffer.from(
        'n:   0 pts:      0 pts_time:0       duration:  40000 fmt:yuv420p cl:left sar:1/1 s:320x240 i:P iskey:1 \n',
      ),
      Buffer.from('%Y%m%d_%H%M%S\nOR_s20213001201174_e1.nc\n20171021T180617Z.png\n2021_300_1201.png\n'),
      Buffer.from('x%s.png\nx1508609177.png\n'),
      // The smallest JPEG above, with Exif that turns it.
      Buffer.from(
        'ffd8ffe100224578696600004d4d002a000000080001011200030000000100060000000000000000ffc0000b08000800080101110000ffda0008010100003f00d2cf20ffd9',
        'hex',
      ),
      Buffer.from('time\n2017-10-21T18:06:17Z\n2017-10-21T18:11:17Z\n'),
      Buffer.from(
        'ffd8ffe000104a46494600010100000100010000ffdb000400ffc0000b08000800080101110000ffda0008010100003f00d2cf20ffd9',
        'hex',
      ),
      Buffer.from(
        '89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8ffff3f0005fe02fedccc59e70000000049454e44ae426082',
        'hex',
      ),
      Buffer.from(
        '474946383961010001008000000000ffffff21f90401000000002c00000000010001000002024401003b',
        'hex',
      ),
      Buffer.from('49492a0008000000020000010300010000000100000001010300010000000100000000000000', 'hex'),
      Buffer.from('424d3a0000000000000036000000280000000100000001000000010018000000000004000000', 'hex'),
      Buffer.from(
        'RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0',
        'latin1',
      ),
    ],
    dictionary: [
      'NOPTS',
      ' s:0x0 ',
      ' n:1 pts:',
      '] config in ',
      'IEND',
      'acTL',
      'ANIM',
      'VP8X',
      '\xff\xd9',
      '\xff\xda',
      '\n',
      ',',
    ],
    maxBytes: 1024,
    limitMs: 100,
    open: pure(input => {
      const log = new FrameLog();
      const start = `[${log.filter.replace(/=.*/, '')} @ 0x1] `;
      orFault(() => {
        for (const line of input.toString('latin1').split('\n')) log.read(start + line);
      });
      readHeader(input);
      // Its caller puts the name of the file before what is wrong with it.
      orError(() => listedTimes(input.toString()));
      // The first line is a pattern, the others are names of files.
      const [pattern = '', ...names] = input.toString('latin1').split('\n');
      orError(() => {
        const form = timePattern(pattern);
        for (const name of names) isTime(fileTime(name, form));
      });
      for (const name of names) isTime(fileTime(name));
    }),
  },
];
