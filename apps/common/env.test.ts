import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bindHost,
  connectHost,
  flag,
  httpHost,
  integer,
  optionalNumber,
  readEnv,
  type Schema,
  word,
} from './env.ts';
import { Fault } from './errors.ts';

const schema = {
  WIDTH: integer({ min: 1, max: 100, default: 10, desc: '' }),
  FPS: optionalNumber({ above: 0, max: 1000, default: undefined, desc: '' }),
  LOOP: flag({ default: true, desc: '' }),
  FORMAT: word({ oneOf: ['i420', 'bgr24'] as const, default: 'i420', desc: '' }),
  HOST: bindHost({ default: '*', desc: '' }),
  PEER: connectHost({ default: 'localhost', desc: '' }),
  WEB: httpHost({ default: '127.0.0.1', desc: '' }),
} satisfies Schema;

const read = (environment: NodeJS.ProcessEnv) => readEnv(schema, environment);

test('what is not set, or set to nothing, takes its default', () => {
  const defaults = {
    WIDTH: 10,
    FPS: undefined,
    LOOP: true,
    FORMAT: 'i420',
    HOST: '*',
    PEER: 'localhost',
    WEB: '127.0.0.1',
  };
  assert.deepEqual({ ...read({}) }, defaults);
  assert.deepEqual({ ...read({ WIDTH: '', FPS: ' ', LOOP: '', HOST: '' }) }, defaults);
});

test('values are read in the spellings that people use', () => {
  const { WIDTH, FPS, LOOP, FORMAT, HOST, PEER } = read({
    WIDTH: ' 100 ',
    FPS: '29.97',
    LOOP: 'No',
    FORMAT: 'BGR24',
    HOST: '[::1]',
    PEER: 'my-host.example',
  });
  assert.deepEqual(
    [WIDTH, FPS, LOOP, FORMAT, HOST, PEER],
    [100, 29.97, false, 'bgr24', '[::1]', 'my-host.example'],
  );
});

for (const [name, values] of Object.entries({
  HOST: ['*', '0.0.0.0', '127.0.0.1', '[::]', '[fe80::1%br_lan]', 'eth0', '_x'],
  PEER: ['localhost', 'my_host', '10.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '[fe80::1%eth0]'],
  WEB: ['*', '0.0.0.0', '127.0.0.1', '[::]', 'localhost'],
})) {
  test(`${name} may be any of ${values.join(' ')}`, () => {
    for (const value of values) assert.equal(read({ [name]: value })[name as 'HOST'], value);
  });
}

for (const [name, values] of Object.entries({
  WIDTH: ['0', '101', '1.5', '1e1', '0x10', 'ten', '9'.repeat(400), 'NaN', '∞'],
  FPS: ['0', '-1', '1001', 'Infinity', 'NaN', '1e3', '30fps'],
  LOOP: ['2', 'maybe', 'truee'],
  FORMAT: ['jpeg', 'i420,bgr24', '__proto__'],
  HOST: ['a b', 'tcp://x', 'x:5555', '-x', 'a/b', 'ü', '[zz]', '[1.2.3.4]', '[::1', '::1', 'x'.repeat(300)],
  PEER: ['*', '_x', 'localhost:1', '[....]', '[::1%]'],
  WEB: ['_x', '[zz]', 'localhost:1'],
})) {
  for (const value of values) {
    test(`${name}=${value.slice(0, 20)} is refused in a sentence with the name and the value`, () => {
      assert.throws(
        () => read({ [name]: value }),
        (error: unknown) =>
          error instanceof Fault &&
          error.exitCode === 2 &&
          error.message.startsWith(`${name}=${JSON.stringify(value)} must be`) &&
          !error.message.includes('\n'),
      );
    });
  }
}

test('all faults are told in one message', () => {
  assert.throws(() => read({ WIDTH: 'x', FPS: 'y', PEER: '*' }), /WIDTH="x".*; FPS="y".*; PEER="\*"/);
});

test('a value that is refused is logged without the password or token in it, whatever is in that', () => {
  for (const [value, shown] of [
    ['https://anna:secret@host/', 'https://…@host/'],
    ['https://anna:sec@ret@host/', 'https://…@host/'],
    ['https://anna:sec/ret@host/', 'https://…@host/'],
    ['https://anna:sec ret@host/', 'https://…@host/'],
    ['anna:secret@host', '…@host'],
    ['https://host/stream.mjpg?token=secret', 'https://host/stream.mjpg?…'],
    ['https://host/#secret', 'https://host/#…'],
  ] as const)
    assert.throws(
      () => read({ PEER: value }),
      new RegExp(`PEER="${shown.replace(/[.?]/g, '\\$&')}" must be`),
      value,
    );
});

test('only what binds with libzmq is offered an interface, which Node cannot listen on', () => {
  const offered = (name: string) => {
    try {
      read({ [name]: '-' });
    } catch (thrown) {
      return /interface/.test(String(thrown));
    }
    return undefined;
  };
  assert.deepEqual([offered('HOST'), offered('WEB'), offered('PEER')], [true, false, false]);
});
