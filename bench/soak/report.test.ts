import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from './random.ts';
import { report, type Sample } from './report.ts';

const CONDITIONS = {
  ...{ startedAt: '2026-11-26T20:00:00.000Z', commit: 'abc1234', minutes: 120, viewers: 50, fps: 10 },
  ...{ processors: '2 × x', kernel: '6', node: 'v24' },
};

/** Two hours of one service, a sample every 5 s, with some noise. */
function twoHours(megabytes: (minute: number) => number): Sample[] {
  const random = seeded(22);
  return Array.from({ length: 1441 }, (_, i) => {
    const minute = (5 * i) / 60;
    const mb = megabytes(minute) + random() / 10;
    const held = { residentMb: 60 + mb, anonymousMb: mb, proportionalMb: 20 + mb, descriptors: 35 };
    const attendance = { opened: 1, failed: 0, bytes: 1 };
    return { seconds: 5 * i, held: { redactor: held }, load: 1, viewers: 50, live: true, attendance };
  });
}

test('steps of the first half hour are no rise, and are seen in the medians', () => {
  const text = report(
    CONDITIONS,
    twoHours(minute => (minute < 12 ? 40 : minute < 25 ? 42 : 43)),
  );
  assert.match(text, /\| redactor \| anonymous, MB \| 43\.1 \|.*\| flat \|/);
  assert.match(text, /\| minutes \| \| 0 \| 20 \| 40 \| 60 \| 80 \| 100 \|\n/);
  assert.match(
    text,
    /\| redactor \| anonymous, MB \| 40\.\d \| 43\.\d \| 43\.\d \| 43\.\d \| 43\.\d \| 43\.\d \|/,
  );
});

test('a megabyte an hour for the whole time is a rise', () => {
  const text = report(
    CONDITIONS,
    twoHours(minute => 40 + minute / 60),
  );
  assert.match(text, /\| redactor \| anonymous, MB \|.*\| \*\*rises\*\* \|/);
});

test('a run of some minutes has no medians of periods', () => {
  assert.doesNotMatch(report(CONDITIONS, twoHours(() => 40).slice(0, 100)), /Medians/);
});
