import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { PixelLayout } from '../common/pixels.ts';
import { Journal } from './journal.ts';
import { Redaction } from './redaction.ts';

function journalOf(level: string) {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { journal: new Journal(log, 'tcp://127.0.0.1:1'), lines };
}

const layout = (width: number): PixelLayout => ({ width, height: 2, format: 'i420', order: 'C' });

test('changes of mask and source are written down whatever LOG_LEVEL is', () => {
  const { journal, lines } = journalOf('error');
  journal.maskChanged(new Redaction(100, []), undefined);
  journal.maskChanged(new Redaction(90, []), new Redaction(100, []));
  journal.layoutChanged(layout(4), undefined);
  journal.warned('something');
  assert.deepEqual(
    lines.map(({ audit, msg }) => [audit, msg]),
    [
      ['mask', 'mask 04b5a33d35738664 is in force: 100 px of border, 0 regions'],
      [
        'mask',
        `mask ${lines[1]!['mask']} is in force, instead of 04b5a33d35738664: 90 px of border, 0 regions`,
      ],
      ['source', 'pictures are 4×2 in i420'],
    ],
  );
});

test('a peer that goes on to send another size with every message is a line a minute', () => {
  const { journal, lines } = journalOf('info');
  for (let ms = 0; ms < 600_000; ms += 100) journal.layoutChanged(layout((ms / 100) % 7), layout(5), ms);
  assert.equal(lines.length, 20 + 9);
});

test('a warning about a mask that is fitted anew with every frame is one line', () => {
  const { journal, lines } = journalOf('info');
  for (let frame = 0; frame < 300; frame += 1)
    journal.warned(`REDACT_WIDTH=100 leaves nothing of the ${frame}×2 picture visible; cover less of it`);
  assert.equal(lines.length, 1);
});

test('a peer that sends another size with every message does not fill the disk', () => {
  const { journal, lines } = journalOf('info');
  for (let width = 1; width <= 1000; width += 1) journal.layoutChanged(layout(width), layout(width - 1 || 5));
  assert.equal(lines.length, 20);
  assert.match(
    String(lines.at(-1)!['msg']),
    /20×2 in i420; more changes within this minute are not written down/,
  );
});
