import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Answers } from './answers.ts';

const MB = 2 ** 20;

function three(answers: Answers) {
  const gone: string[] = [];
  const [first, second, third] = ['first', 'second', 'third'].map(name => () => void gone.push(name)) as [
    () => void,
    () => void,
    () => void,
  ];
  for (const cut of [first, second, third]) answers.began(cut);
  return { gone, first, second, third };
}

test('with more bytes than are allowed the oldest answers are cut, and never the one that has just begun', () => {
  const answers = new Answers(4 * MB);
  const { gone, first, second, third } = three(answers);
  answers.holds(first, MB);
  answers.holds(second, MB);
  answers.holds(third, 3.5 * MB);
  assert.deepEqual(gone, ['first', 'second']);
  answers.holds(third, 9 * MB);
  assert.deepEqual(gone, ['first', 'second']);
});

test('an answer that has ended, or became a stream, holds nothing, whatever is noted of it later', () => {
  const answers = new Answers(4 * MB);
  const { gone, first, second, third } = three(answers);
  answers.ended(first);
  answers.holds(first, 3 * MB);
  answers.holds(second, MB);
  answers.holds(third, 2.5 * MB);
  assert.deepEqual(gone, []);
});
