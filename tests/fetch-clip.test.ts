/** `npm run fetch-clip`, against a server on this machine. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { until } from './support/until.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
let video: Buffer;

before(async () => {
  await using folder = await temporaryFolder();
  video = await readFile(await makeClip(`${folder.path}/clip.mp4`, { seconds: 1 }));
});

async function fetchClip(address: string, folder: string): Promise<{ code: number; said: string }> {
  const child = spawn(process.execPath, ['tools/fetch-clip.ts', address, folder], { cwd: root });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (said += chunk));
  const [code] = await once(child, 'close');
  return { code, said };
}

/** Serves `bytes` as a clip; with `cutAt` the first answer breaks off there, once a folder has what was sent. */
async function serve(bytes: Buffer, { cutAt = 0, folder = '', etag = '"one"' } = {}) {
  const arrived = async () => {
    const files = await readdir(folder);
    const sizes = await Promise.all(files.map(async name => (await stat(`${folder}/${name}`)).size));
    return sizes.includes(cutAt);
  };
  const ranges: (string | undefined)[] = [];
  let cut = cutAt;
  const server = createServer((request, response) => {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from ? 206 : 200, { 'Content-Length': bytes.length - from, ETag: etag });
    if (request.method === 'HEAD') return response.end();
    ranges.push(request.headers.range);
    if (!cut) return response.end(bytes.subarray(from));
    response.write(bytes.subarray(0, cut));
    void until(arrived, 'the first bytes in the folder').finally(() => response.destroy());
    cut = 0;
    return undefined;
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/their-clip.mp4`;
  const close = async () => {
    server.closeAllConnections();
    await once(server.close(), 'close');
  };
  return { address, ranges, [Symbol.asyncDispose]: close };
}

test('a whole clip arrives under its own name and nothing else is left', async () => {
  await using folder = await temporaryFolder();
  await using server = await serve(video);
  const { code, said } = await fetchClip(server.address, folder.path);
  assert.equal(code, 0, said);
  assert.deepEqual(await readdir(folder.path), ['their-clip.mp4']);
  assert.deepEqual(await readFile(`${folder.path}/their-clip.mp4`), video);
  assert.match((await fetchClip(server.address, folder.path)).said, /here already/);
});

test('a download that broke off leaves no clip, and the next one goes on where it stopped', async () => {
  await using folder = await temporaryFolder();
  await using server = await serve(video, { cutAt: 1000, folder: folder.path });
  const first = await fetchClip(server.address, folder.path);
  assert.equal(first.code, 1);
  assert.match(first.said, /run npm run fetch-clip again/);
  const [part = ''] = await readdir(folder.path);
  assert.match(part, /\.part$/);
  assert.equal((await fetchClip(server.address, folder.path)).code, 0);
  assert.match(server.ranges[1] ?? '', /^bytes=\d+-$/);
  assert.deepEqual(await readFile(`${folder.path}/their-clip.mp4`), video);
});

test('a clip that has changed at its source is begun anew, not continued', async () => {
  await using folder = await temporaryFolder();
  {
    await using server = await serve(Buffer.alloc(video.length), { cutAt: 1000, folder: folder.path });
    await fetchClip(server.address, folder.path);
  }
  await using server = await serve(video, { etag: '"two"' });
  assert.equal((await fetchClip(server.address, folder.path)).code, 0);
  assert.equal(server.ranges[0], undefined);
  assert.deepEqual(await readFile(`${folder.path}/their-clip.mp4`), video);
});

test('what is no video is not kept', async () => {
  await using folder = await temporaryFolder();
  await using server = await serve(Buffer.from('<html>please log in</html>'));
  const { code, said } = await fetchClip(server.address, folder.path);
  assert.equal(code, 1);
  assert.match(said, /is not a video/);
  assert.deepEqual(await readdir(folder.path), []);
});

test('without a way there it says so in one sentence', async () => {
  await using folder = await temporaryFolder();
  const { code, said } = await fetchClip('http://127.0.0.1:9/their-clip.mp4', folder.path);
  assert.equal(code, 1);
  assert.match(said, /^127\.0\.0\.1:9 cannot be reached .*bundled clip plays without it.*\n$/);
  assert.deepEqual(await readdir(folder.path), []);
});
