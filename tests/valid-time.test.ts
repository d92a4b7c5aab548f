/** The time at which a picture was taken, wherever the visualizer says it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoopList } from '../apps/visualizer/messages.ts';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { startChain } from './support/services.ts';
import { events, parts } from './support/streams.ts';

const FPS = 100;
const FRAMES = 600;
const STEP_S = 300;
const START = Date.parse('2017-10-21T18:06:17Z');

/** The valid time of the frame at a place in the clip. */
const expected = (positionUs: number) => START + Math.round((positionUs * FPS) / 1e6) * STEP_S * 1000;

test('over 600 frames and the turn of a round every path says the same valid time', async () => {
  await using folder = await temporaryFolder();
  const clip = await makeClip(`${folder.path}/clip.mp4`, { size: '64x48', seconds: FRAMES / FPS, fps: FPS });
  await using chain = await startChain({
    DATA_FILE: clip,
    CLIP_START: '2017-10-21T18:06:17Z',
    CLIP_STEP: STEP_S,
    REDACT_WIDTH: 4,
  });

  /** Valid times by sequence, as the event stream has them, from before a turn of the round to after it. */
  const bySequence = new Map<string, number>();
  const seen = (async () => {
    let turns = 0;
    let last = -1;
    for await (const { event, data } of events(`${chain.web}/stream`)) {
      if (event !== 'frame') continue;
      assert.equal(data.validAt, expected(data.position), `at ${data.position} µs`);
      bySequence.set(String(data.seq), data.validAt);
      if (data.position < last) turns += 1;
      last = data.position;
      if (turns === 2) return;
    }
  })();
  const stated = new Map<string, number>();
  for await (const { headers } of parts(`${chain.web}/stream.mjpg`)) {
    stated.set(headers['x-sequence']!, Date.parse(headers['x-valid-time']!));
    if (stated.size === FRAMES + 50) break;
  }
  await seen;
  let compared = 0;
  for (const [sequence, validAt] of stated) {
    const other = bySequence.get(sequence);
    if (other === undefined) continue;
    assert.equal(validAt, other, `frame ${sequence}`);
    compared += 1;
  }
  assert.ok(compared > FRAMES / 2, `only ${compared} frames were seen on both streams`);

  const { frames } = (await (await fetch(`${chain.web}/loop`)).json()) as LoopList;
  assert.ok(frames.length > FRAMES / 2, `${frames.length} frames in the loop`);
  for (const { position, validAt } of frames) assert.equal(validAt, expected(position!));
  const { id, validAt } = frames.at(-1)!;
  const picture = await fetch(`${chain.web}/loop/${id}.jpg`);
  assert.equal(picture.headers.get('x-valid-time'), new Date(validAt!).toISOString());

  const snapshot = await fetch(`${chain.web}/snapshot.jpg`);
  const time = snapshot.headers.get('x-valid-time')!;
  const comment = Buffer.from(await snapshot.arrayBuffer())
    .subarray(0, 200)
    .toString('latin1');
  assert.ok(comment.includes(`valid ${time}`), 'the JPEG comment of a snapshot names it too');
  assert.equal((Date.parse(time) - START) % (STEP_S * 1000), 0);
  const status = (await (await fetch(`${chain.web}/status`)).json()) as { validAt: number };
  assert.equal((status.validAt - START) % (STEP_S * 1000), 0);
});
