import { onAbort } from '../common/abort.ts';
import { collectLeftBehind } from '../common/reclaim.ts';
import type { Feed } from './feed.ts';

/** A change of state is noticed within this time. */
const REFRESH_MS = 250;
const STATUS_MS = 1000;
const COLLECT_MS = 15_000;

/** Does what is due with time instead of with a frame, until `signal` is aborted. */
export function beat(feed: Feed, signal: AbortSignal): void {
  const timers = [
    setInterval(() => feed.refresh(), REFRESH_MS),
    setInterval(() => void feed.everySecond(), STATUS_MS),
    setInterval(collectLeftBehind, COLLECT_MS),
  ];
  onAbort(signal, () => timers.forEach(clearInterval));
}
