/**
 * `npm run test:image-ffmpeg`: every test of what plays and how it looks, with the ffmpeg of playback's image instead of this
 * machine's, which only makes the clips. Builds the images unless they are there.
 *
 * Usage: image-ffmpeg.ts [IMAGE [TEST FILE…]]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { temporaryFolder } from '../support/clips.ts';
import { buildImages, imageOf, ok, podman, TREE } from './machine.ts';

const FILES = [
  ...['formats', 'colour', 'shape', 'crop', 'decode', 'timing', 'webp-animation', 'main'].map(
    name => `apps/playback/${name}.test.ts`,
  ),
  ...['still-source', 'folder-source', 'picture-decoder'].map(name => `apps/playback/${name}.test.ts`),
  ...['redaction', 'pictures', 'holds', 'source-changes', 'valid-time'].map(name => `tests/${name}.test.ts`),
];

/** Takes the image's libraries and programs out of it, and returns a folder for the front of PATH. */
async function unpack(image: string, folder: string): Promise<string> {
  const archive = join(folder, 'image.tar');
  const container = await podman(['create', image]);
  try {
    await podman(['export', '--output', archive, container]);
  } finally {
    await podman(['rm', container]);
  }
  await ok('tar', ['-xf', archive, '-C', folder, 'usr/lib', 'usr/lib64', 'usr/local/bin']);
  const [loader = ''] = (await ok('find', [join(folder, 'usr'), '-name', 'ld-linux*.so.*'])).split('\n');
  const [libc = ''] = (await ok('find', [join(folder, 'usr/lib'), '-name', 'libc.so.6'])).split('\n');
  const bin = join(folder, 'bin');
  await ok('mkdir', [bin, join(folder, 'loader')]);
  for (const name of ['ffmpeg', 'ffprobe']) {
    // By its own name, as tests look for it among the processes.
    const own = join(folder, 'loader', name);
    await symlink(loader, own);
    const command = `exec ${own} --argv0 ${name} --library-path ${join(libc, '..')} ${join(folder, 'usr/local/bin', name)} "$@"`;
    await writeFile(join(bin, name), `#!/bin/sh\n${command}\n`);
    await chmod(join(bin, name), 0o755);
  }
  return bin;
}

const [image = imageOf('playback'), ...files] = process.argv.slice(2);
if (process.argv.length < 3) await buildImages();
await using folder = await temporaryFolder();
const bin = await unpack(image, folder.path);
const path = process.env['PATH'] ?? '';
const maker = (await ok('sh', ['-c', 'command -v ffmpeg'])).trim();
const child = spawn(process.execPath, [join(TREE, 'tools/test.ts'), ...(files.length > 0 ? files : FILES)], {
  cwd: TREE,
  stdio: 'inherit',
  env: { ...process.env, PATH: `${bin}${delimiter}${path}`, CLIP_FFMPEG: maker, PLAYED_BY: 'image' },
});
const [code] = (await once(child, 'exit')) as [number | null];
process.exitCode = code ?? 1;
