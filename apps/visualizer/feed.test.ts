import assert from 'node:assert/strict';
import { test } from 'node:test';
import { feedFor, frameOf, settle } from '../../tests/support/feed.ts';
import { notice, parseMessage } from '../common/frame.ts';
import { cardText } from './card.ts';

test('two feeds in one process share nothing: each has its own source, picture, viewers and counters', async () => {
  using one = feedFor({ peer: 'tcp://127.0.0.1:1' });
  using other = feedFor({ peer: 'tcp://127.0.0.1:2' });
  one.feed.take(frameOf(1));
  other.feed.take(frameOf(2));
  other.feed.take(frameOf(3));
  one.feed.refuse('too-short', '3 bytes');

  const stills = [one.feed.still(), other.feed.still()];
  await settle();
  for (const { encoding } of [one, other]) encoding[0]!.resolve();
  const [first, second] = await Promise.all(stills);
  assert.deepEqual([first?.jpeg[0], second?.jpeg[0]], [1, 3]);

  const [told, toldOther] = [await one.feed.status(), await other.feed.status()];
  assert.deepEqual(
    [told.source.address, toldOther.source.address],
    ['tcp://127.0.0.1:1', 'tcp://127.0.0.1:2'],
  );
  assert.deepEqual([told.refused, toldOther.refused], [{ 'too-short': 1 }, {}]);
  assert.equal((await one.telemetry.totals()).received, 1);
  assert.equal((await other.telemetry.totals()).received, 2);
});

test('a frame that does not encode is reported, and a snapshot of it is answered with the card', async () => {
  using made = feedFor();
  const { feed, encoding, failures } = made;
  feed.take(frameOf(1));
  const still = feed.still();
  encoding[0]!.reject(new Error('no'));
  assert.equal(await still, undefined);
  assert.equal(await feed.still(), undefined);
  await settle();
  assert.equal(failures.length, 1);
  assert.deepEqual(cardText(feed.source.view()), {
    title: 'No picture',
    message: 'The newest frame could not be encoded as a JPEG; the visualizer’s log has the reason.',
  });
});

test('a notice of the redactor tells viewers at once why there is no picture, until a frame comes', async () => {
  using made = feedFor();
  const { feed } = made;
  const message = parseMessage([notice('MASK_FILE /masks/mask.json is bad: regions[0] is empty.')]);
  assert.ok(!message.ok);
  feed.refuse(message.reason, message.detail);
  assert.deepEqual(feed.source.view(), {
    state: 'refusing',
    message: 'There is no picture: MASK_FILE /masks/mask.json is bad: regions[0] is empty.',
  });
  feed.refuse('bad-geometry', '0×0');
  assert.doesNotMatch(feed.source.view().message, /MASK_FILE/);
  feed.take(frameOf(1));
  assert.equal(feed.source.view().state, 'live');
});
