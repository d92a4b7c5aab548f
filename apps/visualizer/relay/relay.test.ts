import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Feed } from '../feed.ts';
import { Chain } from './chain.ts';
import type { Part } from './multipart.ts';
import type { Origin, OriginEvents } from './origin.ts';
import { Relay } from './relay.ts';
import { RelaySource } from './relay-source.ts';

const event = (name: string, data: object | string): Part => ({
  headers: new Map([
    ['content-type', 'application/json'],
    ['x-event', name],
  ]),
  body: Buffer.from(typeof data === 'string' ? data : JSON.stringify(data)),
});

/** A relay whose origin says what the test has it say, and answers when the test does. */
function relayOf() {
  const answers: PromiseWithResolvers<undefined>[] = [];
  const stop = new AbortController();
  let events: OriginEvents | undefined;
  const origin = {
    watch(given: OriginEvents) {
      events = given;
      return new Promise<void>(resolve => stop.signal.addEventListener('abort', () => resolve()));
    },
    get: (path: string) => {
      assert.equal(path, 'loop');
      const answer = Promise.withResolvers<undefined>();
      answers.push(answer);
      return answer.promise;
    },
  };
  const source = new RelaySource(
    'http://127.0.0.1:1/stream.mjpg',
    () => true,
    () => ({ connected: true, fault: undefined, reconnects: 0, recentLosses: 0 }),
  );
  const relay = new Relay(
    {
      ...{ origin: origin as unknown as Origin, source, chain: new Chain() },
      ...{ loop: { maxBytes: 1e6, maxFrames: 100 }, allowUnmarked: false },
      ...{ warnings: { warn() {} }, marking: undefined, isSet: false },
    },
    stop.signal,
  );
  relay.history(() => {});
  const running = relay.run({ refresh() {}, refuse() {} } as unknown as Feed);
  events!.opened();
  return {
    answers,
    source,
    says: (name: string, data: object | string) => events!.part(event(name, data)),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

const STATUS = {
  ...{ state: 'live', message: 'The picture is live.', chain: ['0123456789abcdef'], time: 1.7e12 },
  ...{ sector: null, marking: null, source: { format: 'i420', pictureSequence: 7, blank: false } },
};

test('an origin that has its listing asked for with every event is asked once at a time, and not again at once', async () => {
  await using relay = relayOf();
  const missesAChange = () => {
    relay.says('status', STATUS);
    relay.says('loop', { added: [], removed: [], revision: 9 });
  };
  for (let times = 0; times < 100; times += 1) missesAChange();
  assert.equal(relay.answers.length, 1);
  relay.answers[0]!.resolve(undefined);
  await new Promise(resolve => setImmediate(resolve));
  for (let times = 0; times < 100; times += 1) missesAChange();
  assert.equal(relay.answers.length, 1);
});

for (const time of ['1e999', '1e300', '-1e17']) {
  test(`an origin whose clock says ${time} says nothing`, async () => {
    await using relay = relayOf();
    const status = JSON.stringify({ ...STATUS, time: 'T' }).replace('"T"', time);
    assert.throws(() => relay.says('status', status), /its status cannot be read/);
  });
}
