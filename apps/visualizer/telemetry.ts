import type { Frame, RefusalReason } from '../common/frame.ts';
import { Counter, createMetrics, Gauge, type Registry, Summary, VERSION } from '../common/metrics.ts';
import { SequenceGaps } from '../common/sequence.ts';
import type { Broadcast, BroadcastEvents } from './broadcast.ts';
import type { LivePicture } from './live-picture.ts';
import type { DropCause, Status } from './messages.ts';

/** The percentiles tell of this last while only. */
const LATENCY_WINDOW_S = 60;

/** Counts what happens, for `/metrics`, and sums it up for `/status`. */
export class Telemetry implements BroadcastEvents {
  readonly registry: Registry = createMetrics('visualizer');
  readonly #received = this.#counter(
    'noaa_visualizer_frames_received_total',
    'Frames received that may be shown',
  );
  readonly #encoded = this.#counter('noaa_visualizer_frames_encoded_total', 'Frames encoded as JPEG');
  readonly #released = this.#counter(
    'noaa_visualizer_viewers_released_total',
    'Viewers let go because they took nothing',
  );
  readonly #rejected = this.#counter(
    'noaa_visualizer_viewers_rejected_total',
    'Viewers turned away because there were too many',
  );
  readonly #dropped = new Counter({
    name: 'noaa_visualizer_frames_dropped_total',
    help: 'Frames not shown: upstream (lost before they arrived), encoder or viewer (a newer one took its place)',
    labelNames: ['cause'],
    registers: [this.registry],
  });
  readonly #refused = new Counter({
    name: 'noaa_visualizer_frames_refused_total',
    help: 'Messages that may not be shown',
    labelNames: ['reason'],
    registers: [this.registry],
  });
  readonly #latency = new Summary({
    name: 'noaa_visualizer_latency_seconds',
    help: "From playback's time stamp to the finished JPEG, over the last minute",
    percentiles: [0.5, 0.99],
    maxAgeSeconds: LATENCY_WINDOW_S,
    ageBuckets: 6,
    pruneAgedBuckets: true,
    registers: [this.registry],
  });
  readonly #gaps = new SequenceGaps();
  #observed: { broadcast: Broadcast; live: LivePicture } | undefined;
  readonly #startedMs = performance.now();
  #rates: Record<'in' | 'out', number | null> = { in: null, out: null };
  #marked = { atMs: performance.now(), received: 0, encoded: 0 };

  /** Names what is looked at when it is asked for: who watches, and whether anything is live. */
  observe(broadcast: Broadcast, live: LivePicture): void {
    this.#observed = { broadcast, live };
    new Gauge({
      name: 'noaa_visualizer_viewers',
      help: 'Viewers connected',
      labelNames: ['stream'],
      registers: [this.registry],
      collect() {
        this.set({ stream: 'sse' }, broadcast.count('sse'));
        this.set({ stream: 'mjpeg' }, broadcast.count('mjpeg'));
      },
    });
    new Gauge({
      name: 'noaa_visualizer_live',
      help: '1 while the picture is live',
      registers: [this.registry],
      collect() {
        this.set(live.view().state === 'live' ? 1 : 0);
      },
    });
  }

  /** A frame arrived that may be shown; by its sequence it tells of those that did not. */
  received({ stamp }: Frame): void {
    this.#received.inc();
    if (stamp) this.dropped('upstream', this.#gaps.missedBefore(stamp.sequence));
  }

  /** @param latencyMs null where it tells nothing of the way here */
  encoded(latencyMs: number | null): void {
    this.#encoded.inc();
    if (latencyMs !== null) this.#latency.observe(latencyMs / 1000);
  }

  dropped(cause: DropCause, count = 1): void {
    if (count > 0) this.#dropped.inc({ cause }, count);
  }

  refused(reason: RefusalReason | 'unmarked'): void {
    this.#refused.inc({ reason });
  }

  skipped(): void {
    this.dropped('viewer');
  }

  released(): void {
    this.#released.inc();
  }

  rejected(): void {
    this.#rejected.inc();
  }

  /** Takes the frame rates since the last call; called once a second. */
  async markSecond(nowMs = performance.now()): Promise<void> {
    const received = await total(this.#received);
    const encoded = await total(this.#encoded);
    const seconds = (nowMs - this.#marked.atMs) / 1000;
    const rate = (now: number, before: number) => Math.round((10 * (now - before)) / seconds) / 10;
    this.#rates = { in: rate(received, this.#marked.received), out: rate(encoded, this.#marked.encoded) };
    this.#marked = { atMs: nowMs, received, encoded };
  }

  /** What `/status` and the SSE event `status` tell. */
  async status(): Promise<Status> {
    if (!this.#observed) throw new TypeError('observe() comes first');
    const { broadcast, live } = this.#observed;
    const frame = live.newestFrame;
    const { lastMs } = live.health;
    const quantiles = (await this.#latency.get()).values;
    const percentile = (quantile: number) => {
      const seconds = quantiles.find(({ labels }) => labels['quantile'] === quantile)?.value;
      return seconds ? Math.round(seconds * 1e5) / 100 : null;
    };
    return {
      service: 'visualizer',
      version: VERSION,
      node: process.versions.node,
      ...live.view(),
      time: Date.now(),
      uptimeSeconds: Math.round((performance.now() - this.#startedMs) / 1000),
      source: {
        ...live.peer,
        width: frame?.width ?? null,
        height: frame?.height ?? null,
        format: frame?.format ?? null,
        sequence: frame?.stamp ? Number(frame.stamp.sequence) : null,
        lastFrameAgoMs: lastMs === undefined ? null : Math.round(performance.now() - lastMs),
      },
      fps: this.#rates,
      latencyMs: { p50: percentile(0.5), p99: percentile(0.99) },
      dropped: { upstream: 0, encoder: 0, viewer: 0, ...(await byLabel(this.#dropped, 'cause')) },
      refused: await byLabel(this.#refused, 'reason'),
      viewers: {
        now: broadcast.count(),
        max: broadcast.max,
        sse: broadcast.count('sse'),
        mjpeg: broadcast.count('mjpeg'),
        released: await total(this.#released),
        rejected: await total(this.#rejected),
      },
    };
  }

  #counter(name: string, help: string): Counter {
    return new Counter({ name, help, registers: [this.registry] });
  }
}

async function total(counter: Counter): Promise<number> {
  return (await counter.get()).values[0]?.value ?? 0;
}

async function byLabel(counter: Counter<string>, label: string): Promise<Record<string, number>> {
  const { values } = await counter.get();
  return Object.fromEntries(values.map(({ labels, value }) => [String(labels[label]), value]));
}
