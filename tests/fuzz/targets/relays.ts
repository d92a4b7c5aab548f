import assert from 'node:assert/strict';
import { MAX_PIXELS } from '../../../apps/common/pixels.ts';
import type { Feed } from '../../../apps/visualizer/feed.ts';
import { Chain } from '../../../apps/visualizer/relay/chain.ts';
import { BadStream, PartReader } from '../../../apps/visualizer/relay/multipart.ts';
import type { Origin, OriginEvents } from '../../../apps/visualizer/relay/origin.ts';
import { Relay } from '../../../apps/visualizer/relay/relay.ts';
import { RelaySource } from '../../../apps/visualizer/relay/relay-source.ts';
import { RelayedFrame } from '../../../apps/visualizer/relay/relayed-picture.ts';
import type { Target } from '../engine.ts';

const LIMITS = { headerBytes: 4096, bodyBytes: 4096, burst: Number.POSITIVE_INFINITY, perSecond: 1 };
/** The smallest grey JPEG of 8×8. */
const JPEG = Buffer.from(
  `ffd8ffdb004300${'01'.repeat(64)}ffc0000b080008000801011100ffda0008010100003f00d2cf20ffd9`,
  'hex',
);

const part = (headers: string[], body: Uint8Array) =>
  Buffer.concat([
    Buffer.from(`--b\r\n${[...headers, `Content-Length: ${body.length}`].join('\r\n')}\r\n\r\n`),
    body,
    Buffer.from('\r\n'),
  ]);
const event = (name: string, data: object) =>
  part(['Content-Type: application/json', `X-Event: ${name}`], Buffer.from(JSON.stringify(data)));

const status = {
  state: 'live',
  message: 'The picture is live.',
  chain: ['0123456789abcdef'],
  time: 1_700_000_000_000,
  sector: null,
  marking: { text: 'OPEN', color: '#007a33' },
  source: { format: 'i420', pictureSequence: 7 },
};
const picture = part(
  [
    ...['Content-Type: image/jpeg', 'X-Sequence: 7', 'X-Timestamp: 1700000000.000000', 'X-Redacted: 1'],
    ...['X-Position: 40000', 'X-Latency: 12.5', 'X-Valid-Time: 2017-10-21T18:06:17.000Z'],
    'X-Mask: 0123456789abcdef',
  ],
  JPEG,
);
const frame = { id: 'a1', seq: 7, position: 40_000, validAt: null, width: 8, height: 8, bytes: 36 };
const listing = { frames: [frame], bytes: 36, maxBytes: 1000, maxFrames: 4, revision: 1 };

/** A relay whose origin sends the input, and answers each request for its history or a picture with the end of it. */
async function openRelay() {
  let events: OriginEvents | undefined;
  let input: Buffer = Buffer.alloc(0);
  const stop = new AbortController();
  const ended = Promise.withResolvers<void>();
  const origin = {
    watch(given: OriginEvents) {
      events = given;
      return ended.promise;
    },
    get: async () => ({
      headers: new Map<string, string>(),
      body: input.subarray(input.lastIndexOf('{"frames"')),
    }),
  };
  const chain = new Chain();
  const source = new RelaySource(
    'http://127.0.0.1:1',
    () => true,
    () => ({
      ...{ connected: true, fault: undefined, reconnects: 0, recentLosses: 0 },
    }),
  );
  const relay = new Relay(
    {
      ...{ origin: origin as unknown as Origin, source, chain, allowUnmarked: false },
      ...{ loop: { maxBytes: 1e5, maxFrames: 8 }, warnings: { warn() {} }, isSet: true },
      marking: { text: 'OPEN', color: '#007a33', ink: '#ffffff' },
    },
    stop.signal,
  );
  const history = relay.history(() => {});
  const feed = {
    take(taken: RelayedFrame) {
      assert.ok(taken instanceof RelayedFrame);
      const { facts, headers } = taken.picture;
      assert.equal(headers['X-Redacted'], '1', 'a picture without a mark is shown');
      assert.ok(facts.width >= 1 && facts.width * facts.height <= MAX_PIXELS);
      source.arrived(taken);
      history.add(taken.picture);
    },
    refuse: (reason: string, detail: string) => source.refused(reason, detail),
    refresh: () => assert.ok(source.view().message.length > 0),
  };
  void relay.run(feed as unknown as Feed);
  return {
    async run(bytes: Buffer) {
      input = bytes;
      events?.opened();
      try {
        new PartReader('b', LIMITS, one => events?.part(one)).push(bytes);
      } catch (thrown) {
        assert.ok(thrown instanceof BadStream, `${(thrown as Error).stack}`);
      }
      // What it asks the origin for meanwhile.
      await new Promise(setImmediate);
      const { frames } = history.list();
      for (const { id } of frames.slice(0, 2)) await history.picture(id);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      ended.resolve();
    },
  };
}

export const relays: Target[] = [
  {
    name: 'relay',
    files:
      /apps\/visualizer\/relay\/(multipart|received-picture|origin-messages|jpeg-size|chain|relay|mirrored-loop|relay-source)\.ts$/,
    seeds: () => [
      Buffer.concat([event('status', status), picture, event('repeat', { seq: 8, publishedAt: 1.7e12 })]),
      Buffer.concat([event('status', status), Buffer.from(JSON.stringify(listing))]),
      Buffer.concat([
        event('status', status),
        event('loop', { added: [{ ...frame, after: null }], removed: ['a0'], revision: 2 }),
      ]),
      event('status', { ...status, state: 'stalled', marking: null, sector: 'goes-east-conus' }),
    ],
    dictionary: [
      '--b\r\n',
      '\r\n\r\n',
      'Content-Length: 0',
      'X-Redacted: 1',
      'X-Event: loop',
      '"frames":[',
      '"added":[',
      '"removed":[',
      '"revision":',
      '"after":null',
      '"state":"ended"',
      '\xff\xc2',
      '\xff\xd9',
      'null',
      '1e999',
    ],
    maxBytes: 4096,
    limitMs: 100,
    open: openRelay,
  },
];
