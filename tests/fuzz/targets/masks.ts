import assert from 'node:assert/strict';
import { readMask } from '../../../apps/redactor/mask-file.ts';
import { fit, Redaction } from '../../../apps/redactor/redaction.ts';
import type { Target } from '../engine.ts';
import { JSON_WORDS, pure } from './helpers.ts';

const MASKS = [
  '{"version":1,"units":"pixels","picture":{"width":64,"height":48},"border":{"top":9,"right":1},"mode":"cover","margin":2,"fill":"#10a0ff","regions":[{"name":"a","shape":"rectangle","x":10,"y":4,"width":9,"height":6,"label":"NO"}]}',
  '{"version":1,"units":"normalised","mode":"keepOnly","regions":[{"name":"b","shape":"polygon","points":[[0.1,0.1],[0.9,0.2],[0.5,0.8]]},{"name":"c","shape":"ellipse","cx":0.5,"cy":0.5,"rx":0.2,"ry":0.1}]}',
];
export const masks: Target[] = [
  {
    name: 'mask',
    files:
      /apps\/(common\/repeated-keys|redactor\/(mask-file|redaction|mask|cover|spans|fill|border|shapes\/\w+))\.ts$/,
    seeds: () => MASKS.map(text => Buffer.from(text)),
    dictionary: [
      ...JSON_WORDS,
      '"shape":"polygon"',
      '"shape":"ellipse"',
      '"points":',
      '"margin":',
      '"keepOnly"',
      '"border":{"left":1e9}',
    ],
    maxBytes: 4096,
    limitMs: 1000,
    open: pure(input => {
      const reading = readMask(input.toString());
      if (!reading.ok) {
        assert.ok(reading.faults.length > 0);
        return;
      }
      const layout = { width: 64, height: 48, format: 'i420', order: 'C' } as const;
      const fitted = fit(new Redaction(1, [reading.mask]), layout);
      if (!fitted.ok) {
        assert.ok(fitted.detail.length > 0);
        return;
      }
      const pixels = Buffer.alloc((64 * 48 * 3) / 2, 77);
      fitted.mask(pixels);
      assert.notEqual(pixels[0], 77, 'the border is not covered');
    }),
  },
];
