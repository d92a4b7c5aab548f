import type { RefusalReason } from '../common/frame.ts';
import { Counter, createMetrics, Gauge, InfoGauge, type Registry, Summary } from '../common/metrics.ts';
import { StageTimes } from '../common/stage-times.ts';
import type { StreamKind, ViewerStates } from './broadcast.ts';
import type { DropCause, SourceState } from './messages.ts';
import type { RelayRefusal } from './relay/received-picture.ts';
import { type Implausible, TITLES } from './source.ts';

/** The percentiles cover only this last time. */
const LATENCY_WINDOW_S = 60;

/** The visualizer's counters, for `/metrics` and `/status`. */
export class Telemetry {
  readonly registry: Registry = createMetrics('visualizer');
  readonly #received = this.#counter(
    'noaa_visualizer_frames_received_total',
    'New frames received that may be shown',
  );
  readonly #repeats = this.#counter(
    'noaa_visualizer_frames_repeated_total',
    'Frames that repeat the picture before them, sent while playback waits',
  );
  readonly #reconnects = this.#counter(
    'noaa_visualizer_reconnects_total',
    'Connections to the redactor made after the first',
  );
  readonly #encoded = this.#counter('noaa_visualizer_frames_encoded_total', 'Frames encoded as JPEG');
  readonly #recalled = this.#counter(
    'noaa_visualizer_frames_recalled_total',
    'Frames whose JPEG the loop held from an earlier round of the clip, so that they were not encoded again',
  );
  readonly #released = this.#counter(
    'noaa_visualizer_viewers_released_total',
    'Viewers disconnected because they took nothing',
  );
  readonly #rejected = this.#counter(
    'noaa_visualizer_viewers_rejected_total',
    'Viewers turned away because there were too many',
  );
  readonly #sent = this.#counter(
    'noaa_visualizer_sent_bytes_total',
    'Bytes of pictures written to the streams of viewers and relays',
  );
  readonly #dropped = new Counter({
    name: 'noaa_visualizer_frames_dropped_total',
    help: 'Frames not shown: upstream (lost before they arrived), encoder or viewer (a newer one replaced it)',
    labelNames: ['cause'],
    registers: [this.registry],
  });
  readonly #refused = new Counter({
    name: 'noaa_visualizer_frames_refused_total',
    help: 'Messages that may not be shown',
    labelNames: ['reason'],
    registers: [this.registry],
  });
  readonly #implausible = new Counter({
    name: 'noaa_visualizer_implausible_values_total',
    help: 'Values in frames that cannot be true: a sequence too far ahead, a clock that disagrees with ours',
    labelNames: ['what'],
    registers: [this.registry],
  });
  readonly #viewers = new Gauge({
    name: 'noaa_visualizer_viewers',
    help: 'Viewers connected',
    labelNames: ['stream'],
    registers: [this.registry],
  });
  readonly #live = new Gauge({
    name: 'noaa_visualizer_live',
    help: '1 while the picture is live',
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

  readonly #failed = this.#counter('noaa_visualizer_encode_failures_total', 'Frames that did not encode');
  readonly #late = this.#counter(
    'noaa_visualizer_pictures_late_total',
    'Pictures that were finished after the source had gone, and so were not shown',
  );
  readonly #viewerStates = new Gauge({
    name: 'noaa_visualizer_viewer_states',
    help: 'Viewers by how they take pictures: prompt, behind (not taken what was written), half-closed (perhaps gone)',
    labelNames: ['state'],
    registers: [this.registry],
  });
  readonly #state = new Gauge({
    name: 'noaa_visualizer_source_state',
    help: '1 for the state of the source, as in /status, and 0 for the others',
    labelNames: ['state'],
    registers: [this.registry],
  });
  readonly #clock = new Gauge({
    name: 'noaa_visualizer_clock_behind_seconds',
    help: "How far playback's clock is behind this host's, while that is implausible; 0 while they agree",
    registers: [this.registry],
  });
  readonly #mask = new InfoGauge(
    'noaa_visualizer_mask_info',
    'Always 1; the label is the digest of the mask that the newest frame was covered with',
    'mask',
    this.registry,
  );
  readonly #encode = new StageTimes(
    'noaa_visualizer_encode_seconds',
    'How long it took to encode a frame, with the wait for a thread',
    this.registry,
  );
  readonly #write = new StageTimes(
    'noaa_visualizer_write_seconds',
    'How long it took to write a picture to all viewers',
    this.registry,
  );

  constructor() {
    for (const stream of ['sse', 'mjpeg', 'relay']) this.#viewers.set({ stream }, 0);
    // From the start, so that a rate has something to begin from.
    for (const cause of ['upstream', 'encoder', 'viewer']) this.#dropped.inc({ cause }, 0);
    for (const what of ['sequence', 'clock']) this.#implausible.inc({ what }, 0);
    this.viewerStates({ prompt: 0, behind: 0, halfClosed: 0 });
    this.state('waiting');
  }

  received(): void {
    this.#received.inc();
  }

  repeated(): void {
    this.#repeats.inc();
  }

  reconnected(): void {
    this.#reconnects.inc();
  }

  encoded(ms: number): void {
    this.#encoded.inc();
    this.#encode.observe(ms);
  }

  encodeFailed(): void {
    this.#failed.inc();
  }

  wrote(ms: number): void {
    this.#write.observe(ms);
  }

  /** Bytes of a picture were written to a viewer. */
  sent(bytes: number): void {
    this.#sent.inc(bytes);
  }

  /** A picture was finished after the source had gone. */
  late(): void {
    this.#late.inc();
  }

  recalled(): void {
    this.#recalled.inc();
  }

  latency(ms: number): void {
    this.#latency.observe(ms / 1000);
  }

  dropped(cause: DropCause, count = 1): void {
    if (count > 0) this.#dropped.inc({ cause }, count);
  }

  implausible(what: Implausible): void {
    this.#implausible.inc({ what });
  }

  refused(reason: RefusalReason | RelayRefusal | 'out-of-order' | 'no-marking'): void {
    this.#refused.inc({ reason });
  }

  joined(stream: StreamKind): void {
    this.#viewers.inc({ stream });
  }

  left(stream: StreamKind): void {
    this.#viewers.dec({ stream });
  }

  released(): void {
    this.#released.inc();
  }

  rejected(): void {
    this.#rejected.inc();
  }

  state(now: SourceState): void {
    this.#live.set(now === 'live' ? 1 : 0);
    for (const state of Object.keys(TITLES)) this.#state.set({ state }, state === now ? 1 : 0);
  }

  viewerStates({ prompt, behind, halfClosed }: ViewerStates): void {
    this.#viewerStates.set({ state: 'prompt' }, prompt);
    this.#viewerStates.set({ state: 'behind' }, behind);
    this.#viewerStates.set({ state: 'half-closed' }, halfClosed);
  }

  /** Takes note of what the newest frame says of its origin. */
  origin(mask: string | null, clockBehindMs: number | null): void {
    if (mask !== null) this.#mask.set(mask);
    this.#clock.set((clockBehindMs ?? 0) / 1000);
  }

  /** Returns what has been counted so far. Latencies are in milliseconds, null before the first. */
  async totals() {
    const quantiles = (await this.#latency.get()).values;
    const percentile = (quantile: number) => {
      const seconds = quantiles.find(({ labels }) => labels['quantile'] === quantile)?.value;
      return seconds ? Math.round(seconds * 1e5) / 100 : null;
    };
    return {
      received: await total(this.#received),
      repeats: await total(this.#repeats),
      encoded: await total(this.#encoded),
      recalled: await total(this.#recalled),
      released: await total(this.#released),
      rejected: await total(this.#rejected),
      dropped: { upstream: 0, encoder: 0, viewer: 0, ...(await byLabel(this.#dropped, 'cause')) },
      refused: await byLabel(this.#refused, 'reason'),
      implausible: { sequence: 0, clock: 0, ...(await byLabel(this.#implausible, 'what')) },
      latencyMs: { p50: percentile(0.5), p99: percentile(0.99) },
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
