/**
 * `npm run fetch-clip [-- ADDRESS [FOLDER]]`: downloads NOAA's own clip, the one the challenge names, into data/.
 *
 * A download that breaks off is kept in a .part file, and the next call continues it. The clip's own name appears only when
 * the whole file is there and ffmpeg has read a video in it.
 */
import { createHash } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { SingleBar } from 'cli-progress';
import { asError } from '../apps/common/errors.ts';
import { probe } from '../apps/playback/probe.ts';

const NOAA_CLIP = 'https://nesdis-prod.s3.amazonaws.com/migrated/conus_20171021_20171022_30FPS.mp4';
const DATA = fileURLToPath(new URL('../data', import.meta.url));
/** A connection that is silent for this long is closed; what has arrived is kept. */
const SILENCE_MS = 30_000;

try {
  await fetchClip(new URL(process.argv[2] ?? NOAA_CLIP), process.argv[3] ?? DATA);
} catch (thrown) {
  console.error(asError(thrown).message);
  process.exitCode = 1;
}

async function fetchClip(address: URL, folder: string): Promise<void> {
  const name = basename(decodeURIComponent(address.pathname));
  if (!/^[\w.-]+\.\w+$/.test(name)) throw new Error(`${address} does not end in the name of a clip`);
  const clip = join(folder, name);
  const shown = relative(process.cwd(), clip);
  if (existsSync(clip)) {
    console.log(`${shown} is here already. Play it: DATA_FILE=${shown} npm start`);
    return;
  }
  await mkdir(folder, { recursive: true });

  const head = await request(address, { method: 'HEAD' });
  const bytes = Number(head.headers.get('content-length') ?? Number.NaN);
  // The validator is part of the name: if the file has changed at its source, the download starts again.
  const validator = head.headers.get('etag') ?? head.headers.get('last-modified') ?? '';
  const part = `${clip}.${createHash('sha256').update(`${validator} ${bytes}`).digest('hex').slice(0, 8)}.part`;

  await download(address, part, bytes);
  await probe(part).catch(async thrown => {
    await rm(part);
    throw new Error(`what ${address} gave is not a video that playback reads, so it was not kept`, {
      cause: thrown,
    });
  });
  await rename(part, clip);
  console.log(`${shown} is ready. Play it: DATA_FILE=${shown} npm start`);
}

async function download(address: URL, part: string, bytes: number): Promise<void> {
  const had = await stat(part).then(
    ({ size }) => size,
    () => 0,
  );
  if (had === bytes) return;
  const answer = await request(address, had > 0 ? { headers: { Range: `bytes=${had}-` } } : {});
  if (!answer.body) throw new Error(`${address} answered with nothing`);
  const resumed = answer.status === 206;

  const bar = new SingleBar({
    format: '{bar} {percentage} % of {size} MB, {eta_formatted} to go',
    hideCursor: true,
  });
  bar.start(bytes || 1, resumed ? had : 0, { size: Number.isNaN(bytes) ? '?' : (bytes / 1e6).toFixed(1) });
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  const body = Readable.fromWeb(answer.body).on('data', (chunk: Buffer) => {
    bar.increment(chunk.length);
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), SILENCE_MS);
  });
  try {
    await pipeline(body, createWriteStream(part, { flags: resumed ? 'a' : 'w' }), { signal: silence.signal });
  } catch (thrown) {
    throw new Error(
      `the download broke off (${reasonOf(thrown)}); run npm run fetch-clip again to go on with it`,
      {
        cause: thrown,
      },
    );
  } finally {
    clearTimeout(timer);
    bar.stop();
  }
  const { size } = await stat(part);
  if (!Number.isNaN(bytes) && size !== bytes) {
    throw new Error(`${size} of ${bytes} bytes have arrived; run npm run fetch-clip again to go on`);
  }
}

async function request(address: URL, options: RequestInit): Promise<Response> {
  const answer = await fetch(address, options).catch(thrown => {
    throw new Error(
      `${address.host} cannot be reached (${reasonOf(thrown)}); is this machine online? ` +
        'The bundled clip plays without it: npm start',
      { cause: thrown },
    );
  });
  if (!answer.ok) throw new Error(`${address} answered ${answer.status} ${answer.statusText}`);
  return answer;
}

/** fetch says only "fetch failed"; the reason is its cause. */
function reasonOf(thrown: unknown): string {
  const error = asError(thrown);
  const cause = error.cause === undefined ? error : asError(error.cause);
  return cause.name === 'AbortError'
    ? `nothing came for ${SILENCE_MS / 1000} s`
    : (cause.code ?? cause.message);
}
