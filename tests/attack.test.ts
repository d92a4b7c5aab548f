/** Code that takes over the visualizer gets no raw frame, and cannot pass for its neighbours, as long as the pod's protection holds. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makeClip, temporaryFolder } from './support/clips.ts';

const run = promisify(execFile);
const script = fileURLToPath(new URL('support/one-network.ts', import.meta.url));
/** More than any handshake, less than any frame. */
const HANDSHAKE_BYTES = 400;

const isRoot = process.getuid?.() === 0;
const options = { skip: !isRoot && 'only root can run services as other users', timeout: 120_000 };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let clip: string;
before(async () => {
  folder = await temporaryFolder();
  await chmod(folder.path, 0o755);
  clip = await makeClip(`${folder.path}/clip.mp4`);
  await chmod(clip, 0o644);
});
after(() => folder[Symbol.asyncDispose]());

/** What an attacker beside the visualizer gets, with a part of the protection left out. */
async function attack(...leftOut: string[]) {
  const { stdout } = await run('unshare', ['-n', process.execPath, script, clip, folder.path, ...leftOut]);
  return JSON.parse(stdout) as {
    bytes: number;
    bound: string[];
    said: string[];
    socketBytes: number;
    opened: string[];
    live: boolean;
    secret: string;
  };
}

test(
  'with secrets and the rule for ports it gets no frame, no port and no secret, and the picture stays',
  options,
  async () => {
    const { bytes, bound, said, socketBytes, opened, live } = await attack();
    assert.ok(bytes < HANDSHAKE_BYTES, `${bytes} bytes`);
    assert.deepEqual(bound, []);
    assert.deepEqual(said, []);
    assert.equal(socketBytes, 0);
    assert.deepEqual(opened, []);
    assert.equal(live, true);
  },
);

test('without secrets it gets raw frames, so the attack works', options, async () => {
  const { bytes, bound } = await attack('secrets');
  assert.ok(bytes > 100 * HANDSHAKE_BYTES, `${bytes} bytes`);
  assert.deepEqual(bound, []);
});

test(
  'without the rule for ports it takes the place of a neighbour and is handed its secret, so the attack works',
  options,
  async () => {
    const { bound, said, secret } = await attack('ports');
    assert.ok(
      bound.some(address => address.endsWith(':5556')),
      bound.join(),
    );
    assert.ok(said.includes(secret), 'no secret was handed over');
  },
);
