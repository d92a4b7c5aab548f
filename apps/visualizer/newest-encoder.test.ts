import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NewestEncoder } from './newest-encoder.ts';

/** Encoders that finish when the test says so. */
function bench() {
  const running = new Map<number, PromiseWithResolvers<string>>();
  const encoded: string[] = [];
  const failed: unknown[] = [];
  let replaced = 0;
  let disposed = 0;
  const encoder = new NewestEncoder<number, string>(
    () => ({
      encode(input) {
        const deferred = Promise.withResolvers<string>();
        running.set(input, deferred);
        return deferred.promise;
      },
      [Symbol.dispose]: () => (disposed += 1),
    }),
    {
      encoded: output => encoded.push(output),
      replaced: () => (replaced += 1),
      failed: error => failed.push(error),
    },
  );
  const settle = () => new Promise(resolve => setImmediate(resolve));
  return {
    encoder,
    encoded,
    failed,
    running: () => [...running.keys()],
    replaced: () => replaced,
    disposed: () => disposed,
    async finish(input: number) {
      running.get(input)?.resolve(`jpeg ${input}`);
      running.delete(input);
      await settle();
    },
    async fail(input: number) {
      running.get(input)?.reject(new Error('no'));
      running.delete(input);
      await settle();
    },
  };
}

test('while all encoders are busy only the newest frame waits, and those it replaced are counted', async () => {
  const { encoder, encoded, running, replaced, finish } = bench();
  for (const input of [1, 2, 3, 4, 5]) encoder.push(input);
  assert.deepEqual(running(), [1, 2]);
  assert.equal(replaced(), 2);
  await finish(1);
  assert.deepEqual(running(), [2, 5]);
  await finish(2);
  await finish(5);
  assert.deepEqual(encoded, ['jpeg 1', 'jpeg 2', 'jpeg 5']);
});

test('a later frame that is finished first waits for the earlier one', async () => {
  const { encoder, encoded, finish } = bench();
  encoder.push(1);
  encoder.push(2);
  await finish(2);
  assert.deepEqual(encoded, []);
  await finish(1);
  assert.deepEqual(encoded, ['jpeg 1', 'jpeg 2']);
});

test('a frame that fails is told and stops no other', async () => {
  const { encoder, encoded, failed, finish, fail } = bench();
  for (const input of [1, 2, 3]) encoder.push(input);
  await fail(1);
  await finish(2);
  await finish(3);
  assert.deepEqual(encoded, ['jpeg 2', 'jpeg 3']);
  assert.equal(failed.length, 1);
});

test('an idle encoder is disposed of at once, and one at work when it has finished', async () => {
  const { encoder, encoded, running, disposed, finish } = bench();
  for (const input of [1, 2, 3]) encoder.push(input);
  await finish(1);
  encoder[Symbol.dispose]();
  assert.equal(disposed(), 0);
  await finish(2);
  assert.equal(disposed(), 1);
  await finish(3);
  assert.equal(disposed(), 2);
  encoder.push(4);
  assert.deepEqual(running(), []);
  assert.deepEqual(encoded, ['jpeg 1', 'jpeg 2', 'jpeg 3']);
});
