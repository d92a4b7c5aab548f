import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

const MAX_ANSWER_BYTES = 4 * 2 ** 20;

export const INSTALL = 'install ffmpeg 5.1 or newer (Debian, Ubuntu: sudo apt-get install ffmpeg)';

/**
 * Options that limit ffmpeg to one file: no demuxer that follows addresses, no protocol but the file's own.
 * Otherwise a playlist that is named .mp4 would read other files or the network.
 */
export const INPUT_GUARD = [
  ['-protocol_whitelist', 'file,pipe'],
  [
    '-format_whitelist',
    'mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,h264,hevc,m4v,mjpeg,jpeg_pipe,png_pipe,webp_pipe,tiff_pipe,bmp_pipe,gif,apng,ivf,obu,av1,vc1,h261,h263,dv,ogg,flv,asf,mxf,nut,yuv4mpegpipe,mp3,wav,flac,aac',
  ],
].flat();

/** Returns the path as a URL: with the protocol in front, no path reads as an option or as another protocol. */
export function fileUrl(path: string): string {
  return `file:${resolve(path)}`;
}

/** Returns the environment for ffmpeg and ffprobe: without colour, whose escape sequences would be in the lines we read. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    AV_LOG_FORCE_NOCOLOR: '1',
    AV_LOG_FORCE_COLOR: undefined,
    AV_LOG_FORCE_256COLOR: undefined,
  };
}

/** Runs a program and returns what it writes to stdout. Kills it when `signal` aborts and when its time is over. */
export async function answerOf(
  program: 'ffmpeg' | 'ffprobe',
  options: string[],
  signal: AbortSignal | undefined,
  patienceMs: number,
): Promise<string> {
  const { stdout } = await promisify(execFile)(program, options, {
    ...(signal && { signal }),
    env: plainEnvironment(),
    timeout: patienceMs,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_ANSWER_BYTES,
  });
  return stdout;
}
