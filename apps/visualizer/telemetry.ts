import type { RefusalReason } from '../common/frame.ts';
import { type Counter, Meters, Summary } from '../common/metrics.ts';
import type { StreamKind, ViewerStates } from './broadcast.ts';
import type { DropCause, LoopSize, SourceState } from './messages.ts';
import type { NoPlace } from './places.ts';
import type { RelayRefusal } from './relay/received-picture.ts';
import { type Implausible, originOf, type Source, TITLES } from './source.ts';

/** The percentiles cover only this last time. */
const LATENCY_WINDOW_S = 60;

/** Why something that came is not shown. Closed, so that it can label a counter. */
export type RefusedReason = RefusalReason | RelayRefusal | 'out-of-order' | 'no-marking';

/** The visualizer's counters, for `/metrics` and `/status`. */
export class Telemetry {
  readonly #meters = new Meters('visualizer');
  readonly registry = this.#meters.registry;
  readonly #received = this.#meters.counter(
    'noaa_visualizer_frames_received_total',
    'New frames received that may be shown',
  );
  readonly #repeats = this.#meters.counter(
    'noaa_visualizer_frames_repeated_total',
    'Frames that repeat the picture before them, sent while playback waits',
  );
  readonly #reconnects = this.#meters.counter(
    'noaa_visualizer_reconnects_total',
    'Connections to the redactor made after the first',
  );
  readonly #encoded = this.#meters.counter('noaa_visualizer_frames_encoded_total', 'Frames encoded as JPEG');
  readonly #recalled = this.#meters.counter(
    'noaa_visualizer_frames_recalled_total',
    'Frames whose JPEG the loop held from an earlier round of the clip, so that they were not encoded again',
  );
  readonly #released = this.#meters.counter(
    'noaa_visualizer_viewers_released_total',
    'Viewers disconnected because they took nothing',
  );
  readonly #rejected = this.#meters.counter(
    'noaa_visualizer_viewers_rejected_total',
    'Viewers turned away because there were too many: in all (full), of one address, or of one user',
    'reason',
  );
  readonly #sent = this.#meters.counter(
    'noaa_visualizer_sent_bytes_total',
    'Bytes of pictures written to the streams of viewers and relays',
  );
  readonly #dropped = this.#meters.counter(
    'noaa_visualizer_frames_dropped_total',
    'Frames not shown: upstream (lost before they arrived), encoder or viewer (a newer one replaced it)',
    'cause',
  );
  readonly #refused = this.#meters.counter(
    'noaa_visualizer_frames_refused_total',
    'Messages that may not be shown',
    'reason',
  );
  readonly #implausible = this.#meters.counter(
    'noaa_visualizer_implausible_values_total',
    'Values in frames that cannot be true: a sequence too far ahead, a clock that disagrees with ours',
    'what',
  );
  readonly #viewers = this.#meters.gauge('noaa_visualizer_viewers', 'Viewers connected', 'stream');
  readonly #live = this.#meters.gauge('noaa_visualizer_live', '1 while the picture is live');
  readonly #latency = new Summary({
    name: 'noaa_visualizer_latency_seconds',
    help: "From playback's time stamp to the finished JPEG, over the last minute",
    percentiles: [0.5, 0.99],
    maxAgeSeconds: LATENCY_WINDOW_S,
    ageBuckets: 6,
    pruneAgedBuckets: true,
    registers: [this.registry],
  });

  readonly #failed = this.#meters.counter(
    'noaa_visualizer_encode_failures_total',
    'Frames that did not encode',
  );
  readonly #late = this.#meters.counter(
    'noaa_visualizer_pictures_late_total',
    'Pictures that were finished after the source had gone, and so were not shown',
  );
  readonly #viewerStates = this.#meters.gauge(
    'noaa_visualizer_viewer_states',
    'Viewers by how they take pictures: prompt, behind (not taken what was written), half-closed (perhaps gone)',
    'state',
  );
  readonly #state = this.#meters.gauge(
    'noaa_visualizer_source_state',
    '1 for the state of the source, as in /status, and 0 for the others',
    'state',
  );
  readonly #clock = this.#meters.gauge(
    'noaa_visualizer_clock_behind_seconds',
    "How far playback's clock is behind this host's, while that is implausible; 0 while they agree",
  );
  readonly #mask = this.#meters.info(
    'noaa_visualizer_mask_info',
    'Always 1; the label is the digest of the mask that the newest frame was covered with',
    'mask',
  );
  readonly #blank = this.#meters.gauge(
    'noaa_visualizer_picture_blank',
    '1 while the picture has one colour throughout: all of it is covered, or the clip shows nothing',
  );
  readonly #validAt = this.#meters.gauge(
    'noaa_visualizer_valid_timestamp_seconds',
    'When the picture that is shown was taken, as Unix time; 0 where that is not known',
  );
  readonly #loopPictures = this.#meters.gauge(
    'noaa_visualizer_loop_pictures',
    'Pictures that the history holds',
  );
  readonly #loopBytes = this.#meters.gauge('noaa_visualizer_loop_bytes', 'Bytes that the history holds');
  readonly #loopMost = this.#meters.gauge(
    'noaa_visualizer_loop_limit_bytes',
    'Bytes that the history may hold; 0 if it is off',
  );
  readonly #certificate = this.#meters.gauge(
    'noaa_visualizer_certificate_end_timestamp_seconds',
    'When the certificate of a file ends, as Unix time',
    'file',
  );
  readonly #fileFaulty = this.#meters.gauge(
    'noaa_visualizer_file_faulty',
    '1 while a file that is followed cannot be used, and what it held before stays in force',
    'file',
  );
  readonly #arrival = this.#meters.times(
    'noaa_visualizer_arrival_seconds',
    "From playback's time stamp until the frame, or a relay's picture, had come here",
  );
  readonly #encode = this.#meters.times(
    'noaa_visualizer_encode_seconds',
    'How long it took to encode a frame, with the wait for a thread',
  );
  readonly #write = this.#meters.times(
    'noaa_visualizer_write_seconds',
    'How long it took to write a picture to all viewers',
  );

  constructor() {
    for (const stream of ['sse', 'mjpeg', 'relay']) this.#viewers.set({ stream }, 0);
    // From the start, so that a rate has something to begin from.
    for (const cause of ['upstream', 'encoder', 'viewer']) this.#dropped.inc({ cause }, 0);
    for (const what of ['sequence', 'clock']) this.#implausible.inc({ what }, 0);
    for (const reason of ['full', 'address', 'user']) this.#rejected.inc({ reason }, 0);
    this.viewerStates({ prompt: 0, behind: 0, halfClosed: 0 });
    this.state('waiting');
  }

  /** @param age of the frame, null if it is not known */
  received(age: number | null): void {
    this.#received.inc();
    if (age !== null) this.#arrival.observe(age);
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

  refused(reason: RefusedReason): void {
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

  rejected(reason: NoPlace): void {
    this.#rejected.inc({ reason });
  }

  state(now: SourceState): void {
    this.#live.set(now === 'live' ? 1 : 0);
    for (const state of Object.keys(TITLES)) this.#state.set({ state }, state === now ? 1 : 0);
  }

  /** A file that is followed can be used or not; it is known by the variable that names it. */
  file(variable: string, isFaulty: boolean): void {
    this.#fileFaulty.set({ file: variable }, isFaulty ? 1 : 0);
  }

  certificate(variable: string, end: Date): void {
    this.#certificate.set({ file: variable }, end.getTime() / 1000);
  }

  viewerStates({ prompt, behind, halfClosed }: ViewerStates): void {
    this.#viewerStates.set({ state: 'prompt' }, prompt);
    this.#viewerStates.set({ state: 'behind' }, behind);
    this.#viewerStates.set({ state: 'half-closed' }, halfClosed);
  }

  /** Takes note of how things are. To be called once a second. */
  looked({ newest, clockBehindMs, blank }: Source, viewers: ViewerStates, loop: LoopSize): void {
    const { mask, validAt } = originOf(newest?.stamp);
    if (mask !== null) this.#mask.set(mask);
    this.#validAt.set((validAt ?? 0) / 1000);
    this.#clock.set((clockBehindMs ?? 0) / 1000);
    this.#blank.set(blank ? 1 : 0);
    this.#loopPictures.set(loop.pictures);
    this.#loopBytes.set(loop.bytes);
    this.#loopMost.set(loop.maxFrames > 0 ? loop.maxBytes : 0);
    this.viewerStates(viewers);
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
}

async function total(counter: Counter): Promise<number> {
  return (await counter.get()).values.reduce((sum, { value }) => sum + value, 0);
}

async function byLabel(counter: Counter<string>, label: string): Promise<Record<string, number>> {
  const { values } = await counter.get();
  return Object.fromEntries(values.map(({ labels, value }) => [String(labels[label]), value]));
}
