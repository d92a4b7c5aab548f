import assert from 'node:assert/strict';
import { Fault } from '../../../apps/common/errors.ts';

const nothing = async () => {};
/** For what needs nothing that has to be closed. */
export const withNothing = (run: (input: Buffer) => void | Promise<void>) => async () => ({
  run,
  [Symbol.asyncDispose]: nothing,
});
/** For what only takes bytes or text and returns. */
export const pure: (run: (input: Buffer) => void) => ReturnType<typeof withNothing> = withNothing;

/** A Fault is an answer: one sentence for the operator. */
export function orFault<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (thrown) {
    assert.ok(thrown instanceof Fault, `${thrown}`);
    assert.ok(thrown.message.length > 10);
    return undefined;
  }
}

export const JSON_WORDS = [
  'null',
  '{}',
  '[]',
  '"',
  ',',
  ':',
  'true',
  '-0',
  '1e999',
  '\\u0000',
  '"__proto__":',
];
