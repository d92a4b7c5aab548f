import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readEnv } from '../common/env.ts';
import { markingHeader, markingOf, markingSchema } from './marking.ts';

const read = (MARKING: string, MARKING_COLOR = '') =>
  markingOf(readEnv(markingSchema, { MARKING, MARKING_COLOR }));

it('takes one line of text, in any script', () => {
  for (const text of [
    'UNCLASSIFIED//FOR OFFICIAL USE ONLY',
    'VS – Nur für den Dienstgebrauch',
    '限定公開',
    'محدود',
  ])
    assert.equal(read(text)?.text, text);
  assert.equal(read('A\u00a0B')?.text, 'A B');
  assert.equal(read(' '), undefined);
  assert.equal(read('x'.repeat(120))?.text.length, 120);
});

it('refuses what would be misread, or not seen, with the reason', () => {
  for (const [text, why] of [
    ['UN\u202eDER', /U\+202E/],
    ['A\nB', /U\+000A/],
    ['A\u0000', /U\+0000/],
    ['A\u009bB', /U\+009B/],
    ['A\u2066B', /U\+2066/],
    ['\u3164', /U\+3164/],
    ['A\u200bB', /U\+200B/],
    ['\ud800', /U\+D800/],
    ['//', /a letter or a digit/],
    [`A${'\u0301'.repeat(30)}`, /accents/],
    ['x'.repeat(121), /at most 120 characters; it has 121/],
  ] as const)
    assert.throws(() => read(text), why);
  for (const color of ['green', '#0f0', '#12345g', '#12345678', 'url(x)'])
    assert.throws(() => read('A', color), /MARKING_COLOR=.*six hexadecimal digits/);
});

it('writes in black or white, whichever has a contrast of 4.5 or more, on every colour', () => {
  const luminance = (hex: string) => {
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map(at => {
      const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  for (let value = 0; value < 1 << 24; value += 9973) {
    const color = `#${value.toString(16).padStart(6, '0')}`;
    const [high = 0, low = 0] = [luminance(color), luminance(read('A', color)!.ink)].sort((a, b) => b - a);
    assert.ok((high + 0.05) / (low + 0.05) >= 4.5, color);
  }
});

it('is a header that is ASCII', () => {
  const header = (text: string) => markingHeader({ text, color: '', ink: '' });
  assert.equal(header('A//B "C"'), 'A//B "C"');
  assert.equal(header("für d'A (*)"), "UTF-8''f%C3%BCr%20d%27A%20%28%2A%29");
});
