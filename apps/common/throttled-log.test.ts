import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportLink } from './link-report.ts';
import { ThrottledLog } from './throttled-log.ts';

interface Line {
  level: string;
  fields: Record<string, unknown>;
  message: string;
}

function recorded() {
  const lines: Line[] = [];
  const at = (level: string) =>
    ((fields: Record<string, unknown>, message: string) =>
      void lines.push({ level, fields, message })) as never;
  return { lines, log: new ThrottledLog({ warn: at('warn'), info: at('info') }) };
}

test('a fault at 30 frames a second for a minute is logged twice: when it begins and when it is over', () => {
  const { lines, log } = recorded();
  for (let frame = 0; frame < 1800; frame += 1) {
    log.warn('wrong-length', `refused a message of ${frame} bytes`, frame * (1000 / 30));
    if (frame % 30 === 0) log.look(frame * (1000 / 30));
  }
  log.look(70_000);
  assert.deepEqual(lines, [
    { level: 'warn', fields: { reason: 'wrong-length' }, message: 'refused a message of 0 bytes' },
    {
      level: 'info',
      fields: { reason: 'wrong-length', repeated: 1800, seconds: 60 },
      message: 'over after 60 s, 1800 times in all: refused a message of 0 bytes',
    },
  ]);
});

test('a link that is lost every 20 s for an hour is named twice: when it flaps, and when it does no more', () => {
  const { lines, log } = recorded();
  const { flapping } = reportLink(
    'the redactor',
    { warn: (...of) => log.warn(of[0], of[1], nowMs, of[3]) },
    {
      reconnected() {},
    },
  );
  let nowMs = 0;
  for (; nowMs < 3_500_000; nowMs += 1000) {
    if (nowMs % 20_000 === 0) flapping(3);
    log.look(nowMs);
  }
  for (const endMs = nowMs + 60_000; nowMs < endMs; nowMs += 1000) log.look(nowMs);
  assert.deepEqual(
    lines.map(({ message }) => message.replace(/:.*/, '')),
    [
      'the link to the redactor was lost 3 times within a minute; look for what restarts or cuts it',
      'over after 3480 s, 175 times in all',
    ],
  );
});

test('what happens once is one line, and again later another one', () => {
  const { lines, log } = recorded();
  log.warn('late', 'decoding is late', 0);
  log.look(20_000);
  log.warn('late', 'decoding is late', 60_000);
  log.look(90_000);
  assert.deepEqual(
    lines.map(({ level }) => level),
    ['warn', 'warn'],
  );
});

test('a fault that comes with another sentence is logged anew, but not with every frame', () => {
  const { lines, log } = recorded();
  for (let ms = 0; ms < 30_000; ms += 33) {
    log.warn('withheld', ms % 2 ? 'the file is gone' : 'the file is none', ms);
  }
  assert.ok(lines.length >= 2 && lines.length <= 4, `${lines.length} lines`);
});

test('two sentences about a fault that take turns for half an hour are each logged once', () => {
  const { lines, log } = recorded();
  for (let ms = 0; ms < 1_800_000; ms += 500)
    log.warn('refused-subscriber', ms % 1000 ? 'it has another secret' : 'it offers no secret', ms);
  log.look(2_000_000);
  assert.deepEqual(
    lines.map(({ message }) => message.replace(/^over .*: /, 'over: ')),
    ['it offers no secret', 'it has another secret', 'over: it has another secret'],
  );
});

test('a peer that makes up a sentence for each message is logged a few times an hour', () => {
  const { lines, log } = recorded();
  for (let ms = 0; ms < 3_000_000; ms += 100) log.warn('bad', `it says ${'x'.repeat(ms / 100)}`, ms);
  assert.equal(lines.length, 10);
});

test('a fault that lasts for a day is named every hour', () => {
  const { lines, log } = recorded();
  for (let second = 0; second < 86_400; second += 1) log.warn('late', 'decoding is late', second * 1000);
  assert.equal(lines.length, 24);
  assert.equal(lines[1]?.fields['repeated'], 3601);
});
