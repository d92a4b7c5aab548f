import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Timestamps } from './timestamps.ts';

describe('Timestamps', () => {
  it('tells the microseconds from the first frame, in order', () => {
    const timestamps = new Timestamps(40_000);
    const positions = [5_000_000, 5_010_000, 5_700_000].map(pts => timestamps.next(pts));
    assert.deepEqual(positions, [0, 10_000, 700_000]);
  });

  it('goes on by the nominal interval where a stream has no times', () => {
    const timestamps = new Timestamps(40_000);
    const positions = [undefined, undefined, undefined].map(pts => timestamps.next(pts));
    assert.deepEqual(positions, [0, 40_000, 80_000]);
  });

  it('never gives what does not fit the wire, whatever a file says', () => {
    const timestamps = new Timestamps(40_000);
    const far = 2 ** 63;
    assert.equal(timestamps.next(-far), 0);
    assert.equal(timestamps.next(far), Number.MAX_SAFE_INTEGER);
    assert.equal(timestamps.next(-far), 0);
  });
});
