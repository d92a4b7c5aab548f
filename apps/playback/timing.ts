import type { Clip } from './clip.ts';
import { answerOf, fileUrl, INPUT_GUARD } from './ffmpeg.ts';

/** A container of screen or browser recordings says 1000 frames a second where it means that times are in milliseconds. */
const BELIEVED_FPS = 120;
/** As many packets as tell a rate, and all of most animations. */
const PACKETS = 1000;
const PATIENCE_MS = 10_000;
/** How long a single frame is shown whose time is not known. */
const LONE_FRAME_US = 1e6;
/** Animations whose last frame's own time is often long, and whose container gives no duration. */
const ANIMATIONS = new Set(['apng']);

interface Packet {
  pts_time?: string;
  duration_time?: string;
}

/**
 * Returns the clip with its rate and its end as its packets have them, if what the container says is not to be believed
 * or is not all. An ordinary clip is returned as it is, and costs nothing.
 */
export async function withMeasuredTiming(clip: Clip, signal?: AbortSignal): Promise<Clip> {
  const isInvented = 1e6 / clip.intervalUs > BELIEVED_FPS;
  if (!isInvented && clip.durationUs !== undefined && clip.endUs === undefined) return clip;
  const entries = 'packet=pts_time,duration_time:stream=codec_name';
  const options = [
    ...[...INPUT_GUARD, '-v', 'error', '-of', 'json', '-select_streams', String(clip.streamIndex)],
    ...['-read_intervals', `%+#${PACKETS}`, '-show_entries', entries, fileUrl(clip.path)],
  ];
  const answer = await answerOf('ffprobe', options, signal, PATIENCE_MS).catch(() => '{}');
  const { packets = [], streams = [] } = JSON.parse(answer) as {
    packets?: Packet[];
    streams?: { codec_name?: string }[];
  };
  const intervalUs = usualStepUs(packets) ?? (isInvented ? loneFrameUs(packets, clip) : clip.intervalUs);
  const isWhole = packets.length > 0 && packets.length < PACKETS;
  const hasEnd = isWhole && ANIMATIONS.has(streams[0]?.codec_name ?? '');
  return { ...clip, intervalUs, endUs: hasEnd ? endUsOf(packets) : clip.endUs };
}

/** Returns the usual time between two frames: a recording has long pauses, and times rounded to milliseconds. */
function usualStepUs(packets: Packet[]): number | undefined {
  const times = timesUs(packets);
  const steps = times.slice(1).map((time, n) => time - times[n]!);
  const usual = steps.toSorted((a, b) => a - b)[steps.length >> 1];
  if (usual === undefined) return undefined;
  const alike = steps.filter(step => step >= usual / 2 && step <= usual * 2);
  return alike.reduce((sum, step) => sum + step, 0) / alike.length;
}

/** Returns how long a single frame is shown, if that is not the rate's invention too. */
function loneFrameUs([packet]: Packet[], { durationUs = 0 }: Clip): number {
  const times = [Number(packet?.duration_time) * 1e6, durationUs];
  return times.find(time => time > 1e6 / BELIEVED_FPS) ?? LONE_FRAME_US;
}

/** Returns when the last frame's time is over, in microseconds from the first frame. */
function endUsOf(packets: Packet[]): number | undefined {
  const times = timesUs(packets);
  const end =
    Number(packets.at(-1)?.pts_time) * 1e6 + Number(packets.at(-1)?.duration_time) * 1e6 - times[0]!;
  return Number.isFinite(end) && end > 0 ? end : undefined;
}

/** Returns the times of the frames in the order in which they are shown, each once. */
function timesUs(packets: Packet[]): number[] {
  const times = packets.map(({ pts_time: time }) => Number(time) * 1e6).filter(Number.isFinite);
  return [...new Set(times)].sort((a, b) => a - b);
}
