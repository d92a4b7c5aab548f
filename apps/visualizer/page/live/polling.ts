import type { Status } from '../../messages.js';
import { addressOf } from './address.ts';

const STATUS_MS = 1000;
/** So that a server which answers at once is not asked more often than a stream would bring. */
const LEAST_MS = 60;

/** A picture that was asked for. */
export interface Polled {
  seq: number;
  publishedAt: number;
  validAt: number | null;
  mask: string | null;
  jpeg: Uint8Array<ArrayBuffer>;
}

/** Asks for one still after the other, until `signal` is aborted: for networks that hold event streams back. */
export async function poll(
  signal: AbortSignal,
  onPicture: (polled: Polled) => void,
  onStatus: (status: Status) => void,
): Promise<void> {
  let statusMs = 0;
  let seq = -1;
  while (!signal.aborted) {
    const beganMs = performance.now();
    const limit = AbortSignal.any([signal, AbortSignal.timeout(5000)]);
    if (beganMs - statusMs > STATUS_MS) {
      statusMs = beganMs;
      const answer = await fetch(addressOf('status'), { signal: limit });
      onStatus((await answer.json()) as Status);
    }
    const answer = await fetch(addressOf('snapshot.jpg?marking=0'), { signal: limit, cache: 'no-store' });
    const { headers } = answer;
    const number = Number(headers.get('X-Sequence'));
    const jpeg = new Uint8Array(await answer.arrayBuffer());
    if (answer.ok && number !== seq) {
      seq = number;
      const validTime = Date.parse(headers.get('X-Valid-Time') ?? '');
      onPicture({
        seq,
        publishedAt: Number(headers.get('X-Timestamp')) * 1000,
        validAt: Number.isNaN(validTime) ? null : validTime,
        mask: headers.get('X-Mask'),
        jpeg,
      });
    }
    const restMs = Math.max(0, beganMs + LEAST_MS - performance.now());
    await new Promise(resolve => setTimeout(resolve, restMs));
  }
}
