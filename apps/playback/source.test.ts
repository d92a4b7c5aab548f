import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../common/errors.ts';
import type { FileVersion } from './file-version.ts';
import type { Cue } from './playback.ts';
import { follow, type Opened } from './source.ts';

const gone = () => new Fault('bad-clip', 'DATA_FILE a.mp4 does not exist; set it to a video file');

/** Plays frames of these positions and then ends as told. */
function opened(positions: number[], end: () => Promise<number | undefined>): Opened {
  return {
    summary: '',
    facts: {},
    async *cues(fromUs) {
      for (const positionUs of positions) {
        yield { message: Buffer.alloc(0), positionUs, dueUs: fromUs + positionUs };
      }
      return await end();
    },
  };
}

function setup(first: Opened, open: () => Promise<Opened>, version: () => string | undefined = () => 'one') {
  const lost: string[] = [];
  let openings = 0;
  const stop = new AbortController();
  const cues = follow(first, open, { now: async () => version() } as FileVersion, stop.signal, {
    opened: () => (openings += 1),
    lost: reason => lost.push(reason),
  });
  return { cues, lost, stop, openings: () => openings };
}

const over = async () => undefined;
const fails = async () => {
  throw gone();
};

async function take(cues: AsyncIterable<Cue>, isLast: (cue: Cue, all: Cue[]) => boolean): Promise<Cue[]> {
  const all: Cue[] = [];
  for await (const cue of cues) {
    all.push(cue);
    if (isLast(cue, all)) break;
  }
  return all;
}

describe('follow', { concurrency: true }, () => {
  it('refuses what is bad from the start', async () => {
    const { cues } = setup(opened([], fails), fails);
    await assert.rejects(
      take(cues, () => false),
      { code: 'bad-clip' },
    );
  });

  it('ends when what plays is over', async () => {
    const { cues } = setup(opened([0, 1], over), fails);
    assert.equal((await take(cues, () => false)).length, 2);
  });

  it('opens again what has become another, and goes on at the time that was due', async () => {
    const { cues, openings, lost } = setup(
      opened([0, 40], async () => 80),
      async () => opened([0, 40], over),
    );
    const frames = await take(cues, () => false);
    assert.deepEqual(
      frames.map(cue => 'dueUs' in cue && [cue.dueUs, cue.anew ?? false]),
      [
        [0, true],
        [40, false],
        [80, true],
        [120, false],
      ],
    );
    assert.deepEqual([openings(), lost], [1, []]);
  });

  it('tells viewers why there is no frame, once a second, and tries again at once when the file is another', async () => {
    let version = 'one';
    let attempts = 0;
    let isBack = false;
    const open = async () => {
      attempts += 1;
      if (!isBack) throw gone();
      return opened([0], over);
    };
    const { cues, lost } = setup(opened([0], fails), open, () => version);
    const sinceMs = performance.now();
    const notices = await take(cues, (_, all) => all.length === 5);
    assert.deepEqual(
      notices.slice(1),
      Array(4).fill({ notice: 'DATA_FILE a.mp4 does not exist; playback tries again' }),
    );
    const tookMs = performance.now() - sinceMs;
    assert.ok(tookMs > 3500 && tookMs < 9000, `${tookMs} ms`);
    assert.ok(attempts >= 2 && attempts <= 4, `${attempts} attempts in 4 s: the pauses grow`);
    assert.match(lost[0]!, /does not exist; set it to a video file/);

    const again = setup(opened([0], fails), open, () => version);
    setTimeout(() => {
      isBack = true;
      version = 'two';
    }, 3000);
    const before = performance.now();
    const all = await take(again.cues, (cue, seen) => seen.length > 1 && 'dueUs' in cue);
    assert.ok(performance.now() - before < 5500);
    assert.deepEqual('dueUs' in all.at(-1)! && all.at(-1), { ...all[0], anew: true });
  });

  it('tells viewers why there is no frame of what opens well each time and never gives one', async () => {
    let attempts = 0;
    const { cues, lost, openings } = setup(opened([0], fails), async () => {
      attempts += 1;
      return opened([], fails);
    });
    const all = await take(cues, (_, seen) => seen.length === 4);
    assert.deepEqual(
      all.slice(1),
      Array(3).fill({ notice: 'DATA_FILE a.mp4 does not exist; playback tries again' }),
    );
    assert.equal(lost.length, 3);
    assert.equal(openings(), 0);
    assert.ok(attempts <= 4, `${attempts} attempts in 3 s: the pauses grow`);
  });

  it('names descriptors that have run out, whatever needed one, and no other remedy', async () => {
    const lacks = async () => {
      const cause = Object.assign(new Error('too many open files'), { code: 'EMFILE' });
      throw new Fault('bad-clip', 'DATA_FILE a.mp4 cannot be opened (EMFILE); set it to a video file', {
        cause,
      });
    };
    const { cues, lost } = setup(opened([0], lacks), lacks);
    const all = await take(cues, (_, seen) => seen.length === 2);
    assert.deepEqual(all[1], { notice: 'no file descriptor is left; playback tries again' });
    assert.match(lost[0]!, /^no file descriptor is left; raise the limit/);
  });

  it('keeps quiet about a file that is back within a second', async () => {
    let attempts = 0;
    const { cues, lost } = setup(opened([0], fails), async () => {
      attempts += 1;
      if (attempts === 1) throw gone();
      return opened([0], over);
    });
    assert.ok((await take(cues, () => false)).every(cue => 'dueUs' in cue));
    assert.deepEqual(lost, []);
  });

  it('says so while a frame does not come, as from storage that hangs, and goes on with it', async () => {
    const slow = opened([0], async () => {
      await sleep(4500);
      return 40;
    });
    const { cues, lost } = setup(slow, async () => opened([0], over));
    const all = await take(cues, () => false);
    assert.deepEqual(
      all.map(cue => ('dueUs' in cue ? 'frame' : 'notice' in cue && cue.notice)),
      [
        'frame',
        ...Array(2).fill('no frame of DATA_FILE can be read at the moment: its storage may hang'),
        'frame',
      ],
    );
    assert.equal(lost.length, 2);
  });

  it('says why there is no picture also while it opens the file again, which may take seconds', async () => {
    let attempts = 0;
    const { cues, lost } = setup(opened([0], fails), async () => {
      attempts += 1;
      await sleep(4200);
      return opened([0], over);
    });
    const all = await take(cues, () => false);
    const notices = all.flatMap(cue => ('notice' in cue ? [cue.notice] : []));
    assert.deepEqual(notices, Array(3).fill('DATA_FILE a.mp4 does not exist; playback tries again'));
    assert.deepEqual([lost.length, attempts], [3, 1]);
  });

  it('ends at once when it is told to, also while it waits for the file', async () => {
    const { cues, stop } = setup(opened([0], fails), fails);
    const all = take(cues, () => false);
    setTimeout(() => stop.abort(), 600);
    await all.catch(error => assert.equal(error.name, 'AbortError'));
  });
});
