import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BadStream, type PartLimits, PartReader } from './multipart.ts';

const LIMITS: PartLimits = { headerBytes: 256, bodyBytes: 1000, burst: 10, perSecond: 10 };

function read(chunks: Buffer[], limits = LIMITS) {
  const parts: { length: string | undefined; body: string }[] = [];
  const reader = new PartReader('b', limits, ({ headers, body }) =>
    parts.push({ length: headers.get('content-length'), body: body.toString('latin1') }),
  );
  for (const chunk of chunks) reader.push(chunk);
  return parts;
}

const part = (body: string, headers = `Content-Length: ${body.length}`) =>
  `--b\r\n${headers}\r\n\r\n${body}\r\n`;

test('parts are the same however the network cuts them', () => {
  const bytes = Buffer.from(part('one\r\n\r\n--b') + part('') + part('x'.repeat(999)), 'latin1');
  const whole = read([bytes]);
  assert.deepEqual(
    whole.map(({ body }) => body.length),
    [10, 0, 999],
  );
  for (const size of [1, 2, 3, 7, 64, 255])
    assert.deepEqual(
      read(
        Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
          bytes.subarray(i * size, (i + 1) * size),
        ),
      ),
      whole,
    );
});

describe('a stream is given up at', () => {
  const hostile: Record<string, string> = {
    'headers without end': `--b\r\nX: ${'y'.repeat(300)}`,
    'headers without end, byte by byte': `--b\r\n${'X: y\r\n'.repeat(60)}`,
    'a length that is too long': part('', 'Content-Length: 1001'),
    'a length of many digits': part('', `Content-Length: ${'9'.repeat(40)}`),
    'a negative length': part('', 'Content-Length: -1'),
    'no length': part('', 'X: y'),
    'a length stated twice': part('', 'Content-Length: 0\r\nContent-Length: 1'),
    'a header with a control character': part('', 'Content-Length: 0\r\nX: a\x00b'),
    'another boundary': part('').replace('--b', '--c'),
    'more parts than a visualizer sends': part('').repeat(11),
  };
  for (const [what, text] of Object.entries(hostile)) {
    test(what, () => {
      const bytes = Buffer.from(text, 'latin1');
      assert.throws(() => read([bytes]), BadStream);
      assert.throws(() => read([...bytes].map(byte => Buffer.of(byte))), BadStream);
    });
  }
});
