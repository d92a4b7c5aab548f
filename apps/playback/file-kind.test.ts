import assert from 'node:assert/strict';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ffmpeg, makeClip, temporaryFolder } from '../../tests/support/clips.ts';
import type { SourceConfig } from './config.ts';
import { FileVersion } from './file-version.ts';
import { readImage } from './image-file.ts';
import { sourceOpener } from './open-source.ts';
import { probe } from './probe.ts';

const folder = await temporaryFolder();
after(() => folder[Symbol.asyncDispose]());
const inFolder = (name: string) => join(folder.path, name);

/** Asserts that probing gives one sentence that says what the file is, a remedy, and nothing of ffmpeg's. */
async function assertSays(path: string, what: RegExp, remedy: RegExp): Promise<void> {
  await assert.rejects(probe(path), (error: Error & { code: string; exitCode: number }) => {
    assert.deepEqual([error.code, error.exitCode], ['bad-clip', 2]);
    assert.match(error.message, what);
    assert.match(error.message, remedy);
    assert.doesNotMatch(error.message, /whitelist|mov,|\n/);
    return true;
  });
}

describe('a DATA_FILE that is no path to a file is called what it is', () => {
  for (const [path, what, remedy] of [
    [
      'https://example.org/loop.mp4',
      /is an address \(https\)/,
      /; download it and set DATA_FILE to the file$/,
    ],
    ['rtsp://camera/stream', /is an address \(rtsp\)/, /; download it/],
    ['file:///clips/loop.mp4', /is an address;/, /; set it to the path alone, \/clips\/loop\.mp4$/],
    ['~/loop.mp4', /begins with ~, which only a shell replaces/, /; set it to the whole path/],
    ['"/clips/loop.mp4"', /is in quotes/, /; set it to \/clips\/loop\.mp4$/],
    ['/clips/*.png', /is a pattern/, /to the folder/],
    ['/clips/frame%04d.png', /is a pattern/, /to the folder/],
    ['/clips/lo\uFFFDp.mp4', /has a name that is not UTF-8/, /; rename it/],
    ['/clips/loop.mp4', /does not exist; /, /; set it to a video file$/],
  ] as const) {
    it(path, () => assertSays(path, what, remedy));
  }

  it('a link that leads nowhere, with its target', async () => {
    await symlink('/archive/loop.mp4', inFolder('link.mp4'));
    await assertSays(
      inFolder('link.mp4'),
      /is a link to \/archive\/loop\.mp4, which is not there/,
      /; set it to the file itself/,
    );
  });

  it('a name with a space at its end', async () => {
    await writeFile(inFolder('spaced.mp4 '), 'x');
    await assertSays(
      inFolder('spaced.mp4'),
      /a file whose name has a space more at its end does/,
      /; rename it/,
    );
  });

  it('but a file that really has such a name plays', async () => {
    const clip = await makeClip(inFolder('clip.mp4'), { size: '64x48', seconds: 0.2 });
    await mkdir(inFolder('~'));
    for (const name of ['~/a.mp4', '"quoted".mp4', '[1] *.mp4', 'a%03d.mp4']) {
      await symlink(clip, inFolder(name));
      assert.equal((await probe(inFolder(name))).width, 64);
    }
  });
});

describe('a file under the name of a video is called what it is', () => {
  const html = '<!DOCTYPE html>\n<html><head><title>Not found</title></head></html>';
  for (const [name, content, what, remedy] of [
    ['gzip', gzipSync('a clip'), /\(it is gzip\)/, /; unpack it/],
    ['zip', Buffer.from('PK\x03\x04rest'), /\(it is a ZIP archive\)/, /; unpack it/],
    [
      'netcdf',
      Buffer.from('CDF\x01rest'),
      /\(it is NetCDF data\)/,
      /; set it to a picture or a video made from/,
    ],
    [
      'hdf5',
      Buffer.from('\x89HDF\r\n\x1a\nrest', 'latin1'),
      /\(it is NetCDF-4 or HDF5 data\)/,
      /made from the data$/,
    ],
    ['html', Buffer.from(html), /\(it is an HTML page: /, /; download the file itself/],
    ['bom', Buffer.from(`\uFEFF\n${html}`), /\(it is an HTML page: /, /; download the file itself/],
    [
      'lfs',
      Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n'),
      /\(it is a Git LFS pointer/,
      /git lfs pull/,
    ],
    [
      'm3u8',
      Buffer.from('#EXTM3U\n#EXT-X-VERSION:3\n'),
      /\(it is a playlist/,
      /; set it to one of those files$/,
    ],
    [
      'mpd',
      Buffer.from('<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"/>'),
      /\(it is a playlist/,
      /; set it/,
    ],
    [
      'tar',
      Buffer.concat([Buffer.alloc(257, 'a'), Buffer.from('ustar\x0000')]),
      /\(it is a tar archive\)/,
      /; unpack/,
    ],
    ['fits', Buffer.from('SIMPLE  =                    T'), /\(it is FITS data\)/, /made from the data$/],
    [
      'zeros',
      Buffer.alloc(10_000),
      /\(it is nothing but zeros at its beginning/,
      /; set it to a whole video/,
    ],
    [
      's3',
      Buffer.from('<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>'),
      /\(it is an XML document: the download may have brought a message/,
      /; download the file itself/,
    ],
    ['api', Buffer.from('{"error": "not found"}'), /\(it is a JSON document: /, /; download the file itself/],
    ['bigtiff', Buffer.from('II+\0\x08\0\0\0', 'latin1'), /\(it is a BigTIFF\)/, /; convert it to PNG/],
    ['jxl', Buffer.from('\xff\x0arest', 'latin1'), /\(it is a JPEG XL picture\)/, /; convert it to PNG/],
    ['jxl-in-box', Buffer.from('\0\0\0\x0cJXL \r\n'), /\(it is a JPEG XL picture\)/, /; convert it/],
    ['jp2', Buffer.from('\0\0\0\x0cjP  \r\n'), /\(it is a JPEG 2000 picture\)/, /; convert it/],
    ['heic', Buffer.from('\0\0\0\x1cftypheic\0\0\0\0mif1heic'), /\(it is a HEIC picture\)/, /; convert it/],
    ['mif1', Buffer.from('\0\0\0\x18ftypmif1\0\0\0\0mif1heic'), /\(it is a HEIC picture\)/, /; convert it/],
    [
      'grid',
      Buffer.from('\0\0\0\x18ftypavif\0\0\0\0mif1avif....meta\0\0\0\x15infe\x02\0\0\0\0\x01\0\0grid\0'),
      /\(it is a picture that is put together of tiles\)/,
      /; convert it to PNG/,
    ],
    [
      'avif',
      Buffer.from('\0\0\0\x18ftypavif\0\0\0\0mif1avif....'),
      /\(it is an AVIF picture that this ffmpeg does not read: /,
      /; convert it to PNG/,
    ],
    ['concat', Buffer.from("ffconcat version 1.0\nfile 'a.mp4'\n"), /\(it is a playlist/, /; set it/],
    [
      'subtitles',
      Buffer.from('1\n00:00:01,000 --> 00:00:02,000\nHello\n\n'.repeat(20)),
      /\(its container, srt, is none that playback opens\)/,
      /; set it to a whole video/,
    ],
  ] as const) {
    it(name, async () => {
      await writeFile(inFolder(`${name}.mp4`), content);
      await assertSays(inFolder(`${name}.mp4`), what, remedy);
    });
  }
});

describe('a picture that is stored in a way that ffmpeg does not read', () => {
  const made = async (name: string) => {
    await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x48', '-frames:v', '1', '-update', '1', inFolder(name));
    return await readFile(inFolder(name));
  };
  /** Where the entry of a tag is in a little-endian TIFF. */
  const tagAt = (tiff: Buffer, tag: number) => {
    for (let at = tiff.readUInt32LE(4) + 2; ; at += 12) if (tiff.readUInt16LE(at) === tag) return at;
  };

  for (const [what, name, store] of [
    [
      'a JPEG with arithmetic coding',
      'arithmetic.jpg',
      jpeg => jpeg.writeUInt8(0xc9, jpeg.indexOf('ffc0', 'hex') + 1),
    ],
    [
      'a JPEG of 12 bits a sample',
      'twelve.jpg',
      jpeg => jpeg.writeUInt8(12, jpeg.indexOf('ffc0', 'hex') + 4),
    ],
    ['a TIFF in tiles', 'tiles.tiff', tiff => tiff.writeUInt16LE(322, tagAt(tiff, 278))],
    ['a TIFF with compression 7', 'jpeg.tiff', tiff => tiff.writeUInt16LE(7, tagAt(tiff, 259) + 8)],
    [
      'a TIFF of floating-point numbers',
      'float.tiff',
      // SampleFormat, one short, 3.
      tiff => Buffer.from('530103000100000003000000', 'hex').copy(tiff, tagAt(tiff, 278)),
    ],
  ] as [string, string, (bytes: Buffer) => void][]) {
    it(`is called ${what}`, async () => {
      const bytes = await made(name);
      store(bytes);
      await writeFile(inFolder(name), bytes);
      const version = new FileVersion(inFolder(name));
      const config = { DATA_FILE: inFolder(name), WIRE_FORMAT: 'i420' } as SourceConfig;
      const events = { damaged() {}, passed() {}, odd() {}, leftOut() {} };
      await assert.rejects(sourceOpener(config, version, events, new AbortController().signal)(), {
        code: 'bad-clip',
        message: `DATA_FILE ${inFolder(name)} is ${what}, which playback does not read; convert it to PNG`,
      });
    });
  }
});

describe('a picture in a folder', () => {
  it('whose name is not UTF-8 is left out for that reason', async () => {
    await assert.rejects(readImage('/tmp/\uFFFD1.png'), { message: 'has a name that is not UTF-8' });
    await assert.rejects(readImage('/tmp/no-such-picture.png'), { message: 'does not exist' });
  });
});
