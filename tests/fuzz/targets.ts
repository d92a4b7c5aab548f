import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { pino } from 'pino';
import { readEnv } from '../../apps/common/env.ts';
import { Fault } from '../../apps/common/errors.ts';
import {
  FrameLayout,
  isMarkable,
  markRedacted,
  parseMessage,
  withTrailer,
  writeStamp,
} from '../../apps/common/frame.ts';
import { listen } from '../../apps/common/http.ts';
import { locateArray, pickleEnvelope } from '../../apps/common/pickle.ts';
import { faultsOf } from '../../apps/common/settings-file.ts';
import { type ProbedFormat, pickVideo, readClip, reportedCrop } from '../../apps/playback/clip.ts';
import { schema as playbackSchema } from '../../apps/playback/config.ts';
import { FrameLog } from '../../apps/playback/frame-log.ts';
import { readHeader } from '../../apps/playback/image-header.ts';
import { listedTimes } from '../../apps/playback/valid-times.ts';
import { schema as redactorSchema } from '../../apps/redactor/config.ts';
import { readMask } from '../../apps/redactor/mask-file.ts';
import { fit, Redaction } from '../../apps/redactor/redaction.ts';
import { schema } from '../../apps/visualizer/config.ts';
import { createHttpServer } from '../../apps/visualizer/server.ts';
import { openWeb } from '../../apps/visualizer/web.ts';
import { feedFor } from '../support/feed.ts';
import { freePort } from '../support/ports.ts';
import type { Target } from './engine.ts';

const nothing = async () => {};
/** For what only takes bytes or text and returns. */
const pure = (run: (input: Buffer) => void) => async () => ({ run, [Symbol.asyncDispose]: nothing });

/** A message as our services publish it: 8×6, with a trailer of version 2. */
function message(format: 'i420' | 'bgr24' | 'numpy'): Buffer {
  const bytes = new FrameLayout(format, 8, 6).allocate();
  writeStamp(bytes, { sequence: 7n, publishedAtNs: 1_700_000_000_000_000_000n, positionUs: 40_000n });
  return bytes;
}

/** The same with the shorter trailer of version 1. */
function olderMessage(format: 'i420' | 'bgr24' | 'numpy'): Buffer {
  const newer = message(format);
  const older = newer.subarray(0, newer.length - 16);
  older.writeUInt8(1, older.length - 32 + 4);
  newer.copy(older, older.length - 32, newer.length - 48, newer.length - 44);
  newer.copy(older, older.length - 32 + 5, newer.length - 43, newer.length - 16);
  older.writeUInt8(1, older.length - 28);
  return older;
}

function parsesFrame(input: Buffer): void {
  const frame = parseMessage([input]);
  if (!frame.ok) {
    assert.match(frame.reason, /^[a-z-]+$/);
    assert.ok(frame.detail.length < 2000);
    return;
  }
  const { pixels, width, height, message: whole } = frame;
  assert.ok(width >= 1 && height >= 1);
  const within = pixels.byteOffset >= whole.byteOffset && pixels.byteLength <= whole.byteLength;
  assert.ok(within, 'pixels outside of the message');
  const least = frame.format === 'i420' ? width * height : 3 * width * height;
  assert.ok(pixels.byteLength >= least, 'fewer pixels than the size says');
  const unknown = { sequence: 0n, publishedAtNs: 0n, positionUs: 0n, validAtMs: 0, mask: 0n };
  const marked = isMarkable(frame) ? frame : withTrailer(frame, unknown);
  markRedacted(marked, 1n);
  const again = parseMessage([marked.message]);
  assert.ok(again.ok && again.redacted, 'a frame that was marked is not one');
}

const MASKS = [
  '{"version":1,"units":"pixels","picture":{"width":64,"height":48},"border":{"top":9,"right":1},"mode":"cover","margin":2,"fill":"#10a0ff","regions":[{"name":"a","shape":"rectangle","x":10,"y":4,"width":9,"height":6,"label":"NO"}]}',
  '{"version":1,"units":"normalised","mode":"keepOnly","regions":[{"name":"b","shape":"polygon","points":[[0.1,0.1],[0.9,0.2],[0.5,0.8]]},{"name":"c","shape":"ellipse","cx":0.5,"cy":0.5,"rx":0.2,"ry":0.1}]}',
];
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

/** A Fault is an answer: one sentence for the operator. */
function orFault<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (thrown) {
    assert.ok(thrown instanceof Fault, `${thrown}`);
    assert.ok(thrown.message.length > 10);
    return undefined;
  }
}

function orError(run: () => unknown): void {
  try {
    run();
  } catch (thrown) {
    assert.ok(thrown instanceof Error && thrown.constructor === Error, `${thrown}`);
  }
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
  });
}

const JSON_WORDS = ['null', '{}', '[]', '"', ',', ':', 'true', '-0', '1e999', '\\u0000', '"__proto__":'];

export const TARGETS: readonly Target[] = [
  {
    name: 'frame',
    files: /apps\/common\/(frame|trailer|notice|pixels|pickle)\.ts$/,
    seeds: () =>
      (['i420', 'bgr24', 'numpy'] as const).flatMap(format => [message(format), olderMessage(format)]),
    dictionary: ['NOAA', 'NOAA\x02\x01', 'NOAA\x01\x02', 'NOAA\x02\x03', '\0\0\0\0\0\0\0\x08'],
    maxBytes: 2048,
    limitMs: 100,
    open: pure(parsesFrame),
  },
  {
    name: 'pickle',
    files: /apps\/common\/pickle\.ts$/,
    seeds() {
      const { before, after } = pickleEnvelope(8, 6);
      return [Buffer.concat([before, Buffer.alloc(144), after])];
    },
    dictionary: [
      'numpy',
      'numpy._core.numeric',
      'numpy.core.multiarray',
      '_frombuffer',
      '_reconstruct',
      'ndarray',
      'dtype',
      'u1',
      '|',
      'F',
      'C',
      '\x80\x05',
      '\x95',
      '\x93',
      '\x94',
      '\x96',
      'B',
      'C\x01b',
      '\x85R',
      't',
      '}',
      'b.',
    ],
    maxBytes: 4096,
    limitMs: 100,
    open: pure(input => {
      const located = locateArray(input, 8, 6);
      if (!located.ok) assert.ok(located.detail.length < 1000);
      else assert.ok(located.length === 144 && located.offset >= 0 && located.offset + 144 <= input.length);
    }),
  },
  {
    name: 'mask',
    files:
      /apps\/redactor\/(mask-file|redaction|mask|cover|spans|fill|repeated-keys|border|shapes\/\w+)\.ts$/,
    seeds: () => MASKS.map(text => Buffer.from(text)),
    dictionary: [
      ...JSON_WORDS,
      '"shape":"polygon"',
      '"shape":"ellipse"',
      '"points":',
      '"margin":',
      '"keepOnly"',
      '"border":{"left":1e9}',
    ],
    maxBytes: 4096,
    limitMs: 1000,
    open: pure(input => {
      const reading = readMask(input.toString());
      if (!reading.ok) {
        assert.ok(reading.faults.length > 0);
        return;
      }
      const layout = { width: 64, height: 48, format: 'i420', order: 'C' } as const;
      const fitted = fit(new Redaction(1, [reading.mask]), layout);
      if (!fitted.ok) {
        assert.ok(fitted.detail.length > 0);
        return;
      }
      const pixels = Buffer.alloc((64 * 48 * 3) / 2, 77);
      fitted.mask(pixels);
      assert.notEqual(pixels[0], 77, 'the border is not covered');
    }),
  },
  {
    name: 'settings',
    files: /apps\/common\/(settings-file|misspelt|setting-names|env)\.ts$|apps\/\w+\/config\.ts$/,
    seeds: () => [
      Buffer.from(
        '# comment\nDATA_FILE=/clips/a.mp4\nREDACT_WIDTH=20\nPLAYBACK_SIZE=1920x\nCLIP_START=2017-10-21T18:06:17Z\n',
      ),
      Buffer.from(
        'REDACT_WITDH=20\nPLAYBACK_FPS=10 # slow\nALLOWED_HOSTS=a.example,b\nLOG_LEVEL=debug\nCLIP_TIME_PATTERN=%Y%m%d\n',
      ),
      Buffer.from(
        'CLIP_SECTOR=50,-120 50,-70 20,-70 20,-120\nTRUSTED_PROXIES=10.0.0.0/8\nPLAYBACK_HOST=::1\n',
      ),
    ],
    dictionary: [
      ...Object.keys({ ...playbackSchema, ...redactorSchema, ...schema }).map(name => `\n${name}=`),
      '=',
      '\n',
      '#',
      '%Y',
      '::1',
      '10.0.0.0/8',
    ],
    maxBytes: 1024,
    limitMs: 2000,
    open: pure(input => {
      const text = input.toString();
      for (const { message: words } of faultsOf(text)) assert.ok(words.length > 0);
      const environment = Object.fromEntries(
        text
          .split('\n')
          .flatMap(line =>
            line.includes('=') ? [[line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]] : [],
          ),
      );
      for (const one of [playbackSchema, redactorSchema, schema]) orFault(() => readEnv(one, environment));
    }),
  },
  {
    name: 'ffprobe',
    files: /apps\/playback\/(clip|crop|shape|colour|alpha)\.ts$/,
    seeds: () => [Buffer.from(JSON.stringify(PROBED))],
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
    }),
  },
  {
    name: 'http',
    files:
      /apps\/visualizer\/(server|compressed|access\/[\w-]+)\.ts$|apps\/common\/(http|allowed-hosts)\.ts$/,
    seeds: () =>
      [
        '/',
        '/stream?fps=5',
        '/snapshot.jpg',
        '/loop',
        '/loop/abc.jpg',
        '/status',
        '/metrics',
        '/readyz',
        '/none',
      ].map(path =>
        Buffer.from(
          `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip, br\r\nRange: bytes=0-9\r\nIf-None-Match: "a"\r\n\r\n`,
        ),
      ),
    dictionary: [
      '\r\n',
      '\r\n\r\n',
      'Host: ',
      'Content-Length: 5',
      'Transfer-Encoding: chunked',
      'Expect: 100-continue',
      'Connection: Upgrade',
      'Upgrade: h2c',
      'Cookie: ',
      'Authorization: Basic ',
      'X-Forwarded-For: ',
      '..%2f',
      '%00',
      '//',
      '?fps=',
      'HTTP/1.0',
      'HEAD ',
      'POST ',
      'OPTIONS ',
      '0\r\n\r\n',
    ],
    maxBytes: 1024,
    limitMs: 2000,
    open: openServer,
  },
];

/** The visualizer's real server, in this process so that its coverage is known. */
async function openServer() {
  const stop = new AbortController();
  const { feed, telemetry } = feedFor();
  const log = pino({ level: 'silent' });
  const config = readEnv(schema, {});
  const web = await openWeb(config, log, stop.signal);
  const server = createHttpServer({ feed, telemetry, log, ...web });
  const port = await freePort();
  await listen(server, { host: '127.0.0.1', port, variable: 'VISUALIZER_PORT' }, stop.signal);
  return {
    async run(input: Buffer) {
      const answer = await new Promise<string>(resolve => {
        const socket = connect(port, '127.0.0.1');
        const done = (text: string) => {
          clearTimeout(timer);
          socket.destroy();
          resolve(text);
        };
        // An unfinished request is not answered; what matters is that the next one is.
        const timer = setTimeout(done, UNANSWERED_MS, '');
        socket.on('error', () => done(''));
        socket.once('close', () => done(''));
        socket.once('data', bytes => done(bytes.toString('latin1')));
        socket.write(input);
      });
      if (answer === '') return;
      const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(answer) ?? [];
      assert.ok(status !== undefined, `no answer of HTTP: ${answer.slice(0, 80)}`);
      assert.ok(!/^50[012]/.test(status), `${status} to ${JSON.stringify(input.toString('latin1'))}`);
    },
    async [Symbol.asyncDispose]() {
      const alive = await fetch(`http://127.0.0.1:${port}/livez`);
      assert.equal(alive.status, 200);
      stop.abort();
      feed[Symbol.dispose]();
    },
  };
}

const UNANSWERED_MS = 20;
