import { onAbort } from '../common/abort.ts';
import type { Broadcast } from './broadcast.ts';
import type { LivePicture } from './live-picture.ts';
import { trimMalloc } from './malloc.ts';
import type { Telemetry } from './telemetry.ts';

/** A change of state is noticed this soon, and the whole status told once a second. */
const NOTICE_MS = 250;
const STATUS_MS = 1000;
/** What malloc holds free goes back this often. */
const TRIM_MS = 15_000;

/** Tells SSE viewers the status and, while nothing is live, shows MJPEG viewers the card. */
export async function tellViewers(
  broadcast: Broadcast,
  live: LivePicture,
  telemetry: Telemetry,
): Promise<void> {
  broadcast.tell(await telemetry.status());
  if (live.view().state !== 'live' && broadcast.count('mjpeg') > 0) broadcast.show(live.card(), 'mjpeg');
}

/** Does what is due with time and not with a frame, until `signal` is aborted. */
export function watch(
  broadcast: Broadcast,
  live: LivePicture,
  telemetry: Telemetry,
  signal: AbortSignal,
): void {
  const everySecond = async () => {
    await telemetry.markSecond();
    await tellViewers(broadcast, live, telemetry);
  };
  const timers = [
    setInterval(() => live.refresh(), NOTICE_MS),
    setInterval(() => void everySecond(), STATUS_MS),
    setInterval(trimMalloc, TRIM_MS),
  ];
  onAbort(signal, () => timers.forEach(clearInterval));
}
