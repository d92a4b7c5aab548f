import { lstat, open, readlink } from 'node:fs/promises';

/** What DATA_FILE turned out to be, and what would do. */
export interface Wrong {
  what: string;
  remedy: string;
}

const A_FILE = 'set it to a video file';

/** Returns what is wrong with a path that leads nowhere. */
export async function kindOfMissing(path: string): Promise<Wrong> {
  const scheme = /^([a-z][a-z\d+.-]*):\/\//i.exec(path)?.[1]?.toLowerCase();
  if (scheme === 'file') {
    return {
      what: 'is an address',
      remedy: `set it to the path alone, ${path.replace(/^file:\/\/(localhost)?/i, '')}`,
    };
  }
  if (scheme) {
    return {
      what: `is an address (${scheme}), and playback opens none`,
      remedy: 'download it and set DATA_FILE to the file',
    };
  }
  if (path.startsWith('~')) {
    return {
      what: 'begins with ~, which only a shell replaces',
      remedy: 'set it to the whole path, as in /home/me/clip.mp4',
    };
  }
  if (/^(["'“‘]).*["'”’]$/.test(path)) {
    return {
      what: 'is in quotes, which are taken for a part of its name',
      remedy: `set it to ${path.slice(1, -1)}`,
    };
  }
  if (path.includes('\uFFFD')) {
    return {
      what: 'has a name that is not UTF-8, and such names do not reach playback',
      remedy: 'rename it and set DATA_FILE to the new name',
    };
  }
  const target = await readlink(path).catch(() => undefined);
  if (target !== undefined) {
    return {
      what: `is a link to ${target}, which is not there (in the pod only the mounted folder is)`,
      remedy: 'set it to the file itself, in the folder that is mounted',
    };
  }
  if (/[*?]|%\d*d|\[.*\]|\{.*,.*\}/.test(path)) {
    return {
      what: 'is a pattern, and no file has that name',
      remedy: 'set it to one file, or to the folder that the pictures are in',
    };
  }
  // Spaces at the ends of a setting are dropped.
  if (await lstat(`${path} `).catch(() => undefined)) {
    return {
      what: 'does not exist, but a file whose name has a space more at its end does',
      remedy: 'rename it',
    };
  }
  return { what: 'does not exist', remedy: A_FILE };
}

const UNPACK = 'unpack it and set DATA_FILE to the file in it';
const FROM_DATA = 'set it to a picture or a video made from the data';
const PLAYLIST = 'a playlist, which only names other files';
const ONE_OF_THEM = 'set it to one of those files';

/** What a file begins with, as bytes or as text, what that is called, and what would do. */
const BEGINNINGS: [string | RegExp, kind: string, remedy: string][] = [
  ['\x1f\x8b', 'gzip', UNPACK],
  ['PK\x03\x04', 'a ZIP archive', UNPACK],
  ['BZh', 'a bzip2 archive', UNPACK],
  ['\xfd7zXZ\0', 'an xz archive', UNPACK],
  ['\x28\xb5\x2f\xfd', 'a zstd archive', UNPACK],
  ['7z\xbc\xaf', 'a 7z archive', UNPACK],
  ['CDF\x01', 'NetCDF data', FROM_DATA],
  ['CDF\x02', 'NetCDF data', FROM_DATA],
  ['CDF\x05', 'NetCDF data', FROM_DATA],
  ['\x89HDF\r\n\x1a\n', 'NetCDF-4 or HDF5 data', FROM_DATA],
  ['\x0e\x03\x13\x01', 'HDF4 data', FROM_DATA],
  ['GRIB', 'GRIB data', FROM_DATA],
  ['%PDF', 'a PDF', A_FILE],
  [
    'version https://git-lfs',
    'a Git LFS pointer, not the file itself',
    'fetch the file with `git lfs pull`; set it to that',
  ],
  [/^\s*(#EXTM3U|ffconcat version|\[playlist\]|<smil|<asx)/i, PLAYLIST, ONE_OF_THEM],
  [/^\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<MPD/is, PLAYLIST, ONE_OF_THEM],
  [
    /^\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<(!doctype\s+html|html|head|body)/is,
    'an HTML page: the download brought a page about the file, not the file',
    'download the file itself and set DATA_FILE to it',
  ],
];

/** Returns what a file is, if its first bytes show that it is neither video nor a picture. */
export async function kindOfFile(path: string): Promise<Wrong | undefined> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1024), 0, 1024, 0);
    const start = buffer.toString('latin1', 0, bytesRead).replace(/^\xef\xbb\xbf/, '');
    const [, what, remedy] =
      BEGINNINGS.find(([beginning]) =>
        typeof beginning === 'string' ? start.startsWith(beginning) : beginning.test(start),
      ) ?? [];
    return what === undefined ? undefined : { what, remedy: remedy! };
  } finally {
    await file.close();
  }
}
