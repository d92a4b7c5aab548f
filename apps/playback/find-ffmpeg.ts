import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { asError, Fault } from '../common/errors.ts';
import { answerOf, INSTALL } from './ffmpeg.ts';
import { patiently } from './patience.ts';

const PATIENCE_MS = 30_000;

/**
 * Checks, before anything is bound or published, that ffmpeg is there and new enough. One without a release's number,
 * e.g. built from git, passes.
 *
 * @throws Fault `no-ffmpeg`, `decoder-failed`
 */
export async function findFfmpeg(signal?: AbortSignal): Promise<void> {
  let answer: string;
  try {
    const asked = answerOf('ffmpeg', ['-version'], signal, PATIENCE_MS);
    answer = await patiently(asked, PATIENCE_MS, 'ffmpeg said nothing of itself');
  } catch (thrown) {
    throw ffmpegFault(thrown);
  }
  const [, release, major, minor] = /^ffmpeg version (n?(\d+)\.(\d+)\S*)/.exec(answer) ?? [];
  if (release === undefined || Number(major) > 5 || (Number(major) === 5 && Number(minor) >= 1)) return;
  const places = (process.env['PATH'] ?? '').split(delimiter).map(folder => join(folder, 'ffmpeg'));
  const place = places.find(existsSync) ?? 'ffmpeg';
  throw new Fault('no-ffmpeg', `${place} is version ${release}, which is too old; ${INSTALL}`);
}

/** Returns the fault for something that was thrown while ffmpeg was to be run. */
export function ffmpegFault(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  const error = asError(thrown);
  return /ENOENT/.test(error.message)
    ? new Fault('no-ffmpeg', `ffmpeg is not on this machine's PATH; ${INSTALL}`, { cause: error })
    : new Fault('decoder-failed', `ffmpeg could not be run (${error.message}); ${INSTALL}`, { cause: error });
}
