import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { until } from '../../tests/support/until.ts';
import { directPipe } from './direct-pipe.ts';

/** Takes everything into one piece of memory, at most this many bytes before it has to be resumed. */
class Taking {
  readonly bytes: Buffer;
  taken = 0;
  isOver = false;
  limit = Number.POSITIVE_INFINITY;

  constructor(length: number) {
    this.bytes = Buffer.alloc(length + 1);
  }

  space(): Uint8Array {
    return this.bytes.subarray(this.taken);
  }
  filled(bytes: number): boolean {
    this.taken += bytes;
    return this.taken < this.limit;
  }
  ended(): void {
    this.isOver = true;
  }
}

/** The abstract address that this process listens at: proc_net_unix(5), by the sockets it has open. */
function listeningAddress(): string {
  const own = readdirSync('/proc/self/fd').map(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // what listed the folder
    }
  });
  const sockets = readFileSync('/proc/net/unix', 'latin1').matchAll(
    / 00010000 0001 01 +(\d+) @(noaa-playback-[0-9a-f]+)$/gm,
  );
  for (const [, inode, path] of sockets) if (own.includes(`socket:[${inode}]`)) return path!;
  assert.fail('nothing listens');
}

const BYTES = 5_000_000;
const write = `process.stdout.write(Buffer.alloc(${BYTES}, 'abcdefg'))`;

describe('directPipe', () => {
  it("brings all of a child's stdout to its place, and tells its end", async () => {
    const taking = new Taking(BYTES);
    const { readEnd, writeEnd } = await directPipe(taking);
    spawn(process.execPath, ['-e', write], { stdio: ['ignore', writeEnd, 'inherit'] });
    writeEnd.destroy();
    await until(() => taking.isOver, 'the end of the pipe');
    assert.equal(taking.taken, BYTES);
    assert.ok(taking.bytes.subarray(0, BYTES).equals(Buffer.alloc(BYTES, 'abcdefg')));
    assert.ok(readEnd.destroyed);
  });

  it('holds the child back from when no more may come until it is resumed', async () => {
    const taking = new Taking(BYTES);
    taking.limit = 1_000_000;
    const { readEnd, writeEnd } = await directPipe(taking);
    const child = spawn(process.execPath, ['-e', write], { stdio: ['ignore', writeEnd, 'inherit'] });
    writeEnd.destroy();
    await until(() => taking.taken >= taking.limit, 'the first bytes');
    const { taken } = taking;
    await new Promise(resolve => setTimeout(resolve, 300));
    assert.equal(taking.taken, taken);
    assert.equal(child.exitCode, null, 'the child is done, so something holds what it wrote');
    taking.limit = Number.POSITIVE_INFINITY;
    readEnd.resume();
    await until(() => taking.isOver, 'the end of the pipe');
    assert.equal(taking.taken, BYTES);
  });

  it('neither reads nor writes to a stranger who comes to its address first', async () => {
    const taking = new Taking(10);
    const opening = directPipe(taking);
    const path = listeningAddress();
    const strangers = ['not the word, yet of its length', ''].map(says => {
      const stranger = connect(`\0${path}`);
      let heard = 0;
      stranger.on('data', bytes => {
        heard += bytes.length;
      });
      stranger.on('error', () => undefined);
      if (says !== '') stranger.write(says);
      return { over: once(stranger, 'close'), heard: () => heard };
    });
    const { readEnd, writeEnd } = await opening;
    writeEnd.end('0123456789');
    await until(() => taking.isOver, 'the end of the pipe');
    assert.equal(taking.bytes.toString('latin1', 0, taking.taken), '0123456789');
    for (const { over, heard } of strangers) {
      await over;
      assert.equal(heard(), 0);
    }
    readEnd.destroy();
  });
});

it('a pipe for which no descriptor is left fails at once, and does not wait for one', async () => {
  const url = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
  const opening = `
    const { directPipe } = await import(${url('direct-pipe.ts')});
    const { DecoderProcess } = await import(${url('decoder-process.ts')});
    const destination = { space: () => Buffer.alloc(9), filled: () => true, ended() {} };
    const pipes = [];
    for (let error; !error; ) pipes.push(await directPipe(destination).catch(thrown => console.log((error = thrown).code)));
    const decoder = new DecoderProcess([], { ...destination, ended: () => pipes.push('ended') }, () => {});
    console.log((await decoder.ended).code, pipes.at(-1));
    process.exit();
  `;
  // One descriptor more or less decides which of those that a pipe takes is missing.
  for (const descriptors of [40, 41, 42]) {
    const script = `ulimit -n ${descriptors}; exec "$0" --input-type=module --eval "$1"`;
    const { stdout } = await promisify(execFile)('sh', ['-c', script, process.execPath, opening], {
      timeout: 20_000,
    });
    assert.equal(stdout, 'EMFILE\nEMFILE ended\n', `with ${descriptors}`);
  }
});

it('an ffmpeg for which no descriptor is left fails with that, however few are missing', async () => {
  const url = JSON.stringify(new URL('decoder-process.ts', import.meta.url).href);
  const starting = `
    import { closeSync, openSync } from 'node:fs';
    const { DecoderProcess } = await import(${url});
    const destination = { space: () => Buffer.alloc(9), filled: () => true, ended() {} };
    const held = [];
    const ends = [];
    for (let free = 0; ends.at(-1) !== 'well'; free += 1) {
      try {
        for (;;) held.push(openSync('/dev/null'));
      } catch {}
      for (const file of held.splice(0, free)) closeSync(file);
      const end = await new DecoderProcess(['-version'], destination, () => {}).ended;
      ends.push(end.code ?? end);
    }
    console.log([...new Set(ends)].join());
    process.exit();
  `;
  const script = 'ulimit -n 60; exec "$0" --input-type=module --eval "$1"';
  const { stdout } = await promisify(execFile)('sh', ['-c', script, process.execPath, starting], {
    timeout: 20_000,
  });
  assert.equal(stdout, 'EMFILE,well\n');
});
