import { VERSION } from '../common/metrics.ts';
import type { Broadcast } from './broadcast.ts';
import type { Marking } from './marking.ts';
import type { LoopSize, Status } from './messages.ts';
import type { Chain } from './relay/chain.ts';
import { exactNumber, originOf, type Source } from './source.ts';
import type { Telemetry } from './telemetry.ts';

/** What the status says besides what is counted. */
interface Shown {
  /** Where the picture lies, if that is known. */
  sector: string | undefined;
  marking?: Marking | undefined;
  chain: Chain;
  loop: { readonly size: LoopSize };
  /** Adds what a relay knows from its origin. */
  relayed?: { amend(status: Status): Status } | undefined;
}

/** Assembles what `/status` and the SSE event `status` say. */
export class StatusReport {
  readonly #source: Source;
  readonly #broadcast: Broadcast;
  readonly #telemetry: Telemetry;
  readonly #sector: string | null;
  readonly #marking: Status['marking'];
  readonly #chain: Chain;
  readonly #loop: { readonly size: LoopSize };
  readonly #amend: (status: Status) => Status;
  readonly #startedMs = performance.now();
  #marked = { atMs: performance.now(), received: 0, made: 0 };
  #fps: Status['fps'] = { in: null, out: null };

  constructor(
    source: Source,
    broadcast: Broadcast,
    telemetry: Telemetry,
    { sector, marking, chain, loop, relayed }: Shown,
  ) {
    this.#marking = marking ? { text: marking.text, color: marking.color } : null;
    this.#chain = chain;
    this.#loop = loop;
    this.#amend = relayed?.amend ?? (status => status);
    this.#sector = sector ?? null;
    this.#source = source;
    this.#broadcast = broadcast;
    this.#telemetry = telemetry;
  }

  /** Measures the frame rates since the last call, and returns what has been counted. To be called once a second. */
  async mark(nowMs = performance.now()): ReturnType<Telemetry['totals']> {
    const totals = await this.#telemetry.totals();
    const { received, encoded, recalled } = totals;
    const made = encoded + recalled;
    const seconds = (nowMs - this.#marked.atMs) / 1000;
    const rate = (now: number, before: number) => Math.round((10 * (now - before)) / seconds) / 10;
    this.#fps = { in: rate(received, this.#marked.received), out: rate(made, this.#marked.made) };
    this.#marked = { atMs: nowMs, received, made };
    return totals;
  }

  async read(): Promise<Status> {
    const source = this.#source;
    const broadcast = this.#broadcast;
    const { newest, lastFrameMs } = source;
    const { repeats, released, rejected, dropped, refused, implausible, latencyMs } =
      await this.#telemetry.totals();
    return this.#amend({
      service: 'visualizer',
      version: VERSION,
      node: process.versions.node,
      ...source.view(),
      time: Date.now(),
      uptimeSeconds: Math.round((performance.now() - this.#startedMs) / 1000),
      ...originOf(newest?.stamp),
      source: {
        address: source.address,
        connected: source.connected,
        width: newest?.width ?? null,
        height: newest?.height ?? null,
        format: newest?.format ?? null,
        sequence: newest?.stamp ? exactNumber(newest.stamp.sequence) : null,
        pictureSequence: source.pictureSequence,
        lastFrameAgoMs: lastFrameMs === undefined ? null : Math.round(performance.now() - lastFrameMs),
        repeats,
        clockBehindMs: source.clockBehindMs,
        blank: source.blank,
        ...source.link,
      },
      origin: null,
      chain: this.#chain.ids,
      sector: this.#sector,
      marking: this.#marking,
      fps: this.#fps,
      latencyMs,
      dropped,
      refused,
      implausible,
      loop: this.#loop.size,
      viewers: {
        now: broadcast.count(),
        max: broadcast.max,
        sse: broadcast.count('sse'),
        mjpeg: broadcast.count('mjpeg'),
        relay: broadcast.count('relay'),
        released,
        rejected,
      },
    });
  }
}
