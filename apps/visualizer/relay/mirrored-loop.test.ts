import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Picture } from '../picture.ts';
import { MirroredLoop } from './mirrored-loop.ts';

const frame = (seq: number) => ({
  id: `a${seq}`,
  seq,
  position: seq,
  validAt: null,
  width: 8,
  height: 8,
  bytes: 9,
});
const picture = (seq: number) =>
  new Picture(Buffer.alloc(9), { ...frame(seq), publishedAt: 0, latencyMs: 0, mask: null });

test('of pictures that many viewers ask for two at once are asked of the origin, and each viewer gets its own', async () => {
  const asked: { id: string; answer: (picture?: Picture) => void }[] = [];
  let most = 0;
  const loop = new MirroredLoop(
    // No room, so that none is asked for but for viewers.
    { maxBytes: 1, maxFrames: 1 },
    () => {},
    async id => {
      const { promise, resolve } = Promise.withResolvers<Picture | undefined>();
      asked.push({ id, answer: resolve });
      most = Math.max(most, asked.length);
      return await promise;
    },
  );
  const frames = Array.from({ length: 20 }, (_, seq) => frame(seq));
  loop.replace({ frames, bytes: 180, maxBytes: 1000, maxFrames: 100, revision: 1 });
  let done = false;
  const all = Promise.all(frames.map(({ id }) => loop.picture(id))).finally(() => {
    done = true;
  });
  while (!done) {
    const { id, answer } = asked.shift() ?? { id: '', answer() {} };
    if (id === 'a7') answer(undefined);
    else answer(picture(Number(id.slice(1))));
    await new Promise(resolve => setImmediate(resolve));
  }
  assert.equal(most, 2);
  assert.deepEqual(
    (await all).map(each => each?.facts.seq),
    frames.map(({ seq }) => (seq === 7 ? undefined : seq)),
  );
});
