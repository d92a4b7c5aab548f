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
const AS_PNG = 'convert it to PNG or JPEG';
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
  ['Rar!\x1a\x07', 'a RAR archive', UNPACK],
  ['\x04"M\x18', 'an lz4 archive', UNPACK],
  ['\x1f\x9d', 'a compressed file (.Z)', UNPACK],
  [/^.{257}ustar/s, 'a tar archive', UNPACK],
  ['CDF\x01', 'NetCDF data', FROM_DATA],
  ['CDF\x02', 'NetCDF data', FROM_DATA],
  ['CDF\x05', 'NetCDF data', FROM_DATA],
  ['\x89HDF\r\n\x1a\n', 'NetCDF-4 or HDF5 data', FROM_DATA],
  ['\x0e\x03\x13\x01', 'HDF4 data', FROM_DATA],
  ['GRIB', 'GRIB data', FROM_DATA],
  ['BUFR', 'BUFR data', FROM_DATA],
  ['SIMPLE  =', 'FITS data', FROM_DATA],
  // A primary header of 16 bytes: an image file, of some length.
  ['\0\0\x10\0\0', 'HRIT or LRIT data', FROM_DATA],
  [/^(II\+\0|MM\0\+)/, 'a BigTIFF', AS_PNG],
  ['\xff\x0a', 'a JPEG XL picture', AS_PNG],
  ['\0\0\0\x0cJXL ', 'a JPEG XL picture', AS_PNG],
  ['\0\0\0\x0cjP  ', 'a JPEG 2000 picture', AS_PNG],
  ['\xff\x4f\xff\x51', 'a JPEG 2000 picture', AS_PNG],
  // ISO 14496-12, 4.3: the brands of HEIF with HEVC in it, as cameras write it.
  [/^....ftyp(hei[cxms]|hev[cmxs]|(mif1|msf1)(?!.{0,40}avi[fs]))/s, 'a HEIC picture', AS_PNG],
  // ISO 23008-12: each tile would be played as a picture of its own.
  [/^....ftyp.*infe.\0\0.(..|....)\0\0grid/s, 'a picture that is put together of tiles', AS_PNG],
  ['\x76\x2f\x31\x01', 'an OpenEXR picture', AS_PNG],
  ['8BPS', 'a Photoshop picture', AS_PNG],
  ['DDS ', 'a DDS picture', AS_PNG],
  ['qoif', 'a QOI picture', AS_PNG],
  [/^P[1-7][ \t\r\n]/, 'a PNM picture', AS_PNG],
  [/^\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!doctype\s+svg[^>]*>\s*)?<svg/is, 'an SVG drawing', AS_PNG],
  ['%PDF', 'a PDF', A_FILE],
  [
    /^\0{4096}/,
    'nothing but zeros at its beginning: it may still be downloaded',
    'set it to a whole video file',
  ],
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
  [
    /^\s*<\?xml|^\s*<Error>/,
    'an XML document: the download may have brought a message of the server, not the file',
    'download the file itself and set DATA_FILE to it',
  ],
  [
    /^\s*[{[]\s*["{[\]}]/,
    'a JSON document: the download may have brought a message of the server, not the file',
    'download the file itself and set DATA_FILE to it',
  ],
];

/** The list of a picture's parts lies behind its other facts. */
const START_BYTES = 4096;

/** Returns what a file is, if its first bytes show that it is neither video nor a picture. */
export async function kindOfFile(path: string): Promise<Wrong | undefined> {
  const start = await startOf(path);
  const [, what, remedy] =
    BEGINNINGS.find(([beginning]) =>
      typeof beginning === 'string' ? start.startsWith(beginning) : beginning.test(start),
    ) ?? [];
  return what === undefined ? undefined : { what, remedy: remedy! };
}

/** Returns what a file is of which ffmpeg says no more than that it does not read it. */
export async function kindOfUnread(path: string): Promise<Wrong | undefined> {
  const isAvif = /^....ftyp(avi[fs]|(mif1|msf1|miaf).{0,40}avi[fs])/s.test(await startOf(path));
  return isAvif ? { what: 'an AVIF picture that this ffmpeg does not read', remedy: AS_PNG } : undefined;
}

async function startOf(path: string): Promise<string> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(START_BYTES), 0, START_BYTES, 0);
  return buffer.toString('latin1', 0, bytesRead).replace(/^\xef\xbb\xbf/, '');
}
