import type { IncomingMessage, ServerResponse } from 'node:http';
import SseChannel from 'sse-channel';
import { BOUNDARY, PART_OPENING, type Picture } from './picture.ts';
import { Viewer } from './viewer.ts';

const PING_MS = 15_000;
const RETRY_MS = 1000;

/** Why a picture did not reach a viewer, or a viewer was let go. */
export interface BroadcastEvents {
  /** A newer picture replaced one that a slow viewer had not taken. */
  skipped(): void;
  /** A viewer took nothing for so long that its connection was closed. */
  released(): void;
}

export type StreamKind = 'sse' | 'mjpeg';

/**
 * Everyone who watches. One picture is made ready once, as one buffer, and the same bytes go to all: what one more
 * viewer costs is the kernel's copy. None waits for another.
 */
export class Broadcast implements Disposable {
  readonly #channel = new SseChannel({ pingInterval: PING_MS, retryTimeout: RETRY_MS });
  readonly #viewers = new Map<ServerResponse, { viewer: Viewer; kind: StreamKind }>();
  readonly #events: BroadcastEvents;
  readonly #releaseMs: number;
  readonly max: number;
  /** Called when a viewer could take a picture of the newest frame, and none has been made. */
  caughtUp = () => {};

  /** @param releaseMs how long a viewer that is behind may take nothing before its connection is closed */
  constructor(max: number, releaseMs: number, events: BroadcastEvents) {
    this.max = max;
    this.#releaseMs = releaseMs;
    this.#events = events;
  }

  get full(): boolean {
    return this.#viewers.size >= this.max;
  }

  count(kind?: StreamKind): number {
    if (!kind) return this.#viewers.size;
    let count = 0;
    for (const entry of this.#viewers.values()) if (entry.kind === kind) count += 1;
    return count;
  }

  /** Whether any viewer would be written a picture now; if none, none need be made. */
  wanted(nowMs = performance.now()): boolean {
    for (const { viewer } of this.#viewers.values()) if (viewer.wants(nowMs)) return true;
    return false;
  }

  /** Opens Server-Sent Events on a response, with a first picture if there is one. */
  addSse(request: IncomingMessage, response: ServerResponse, maxFps: number, newest?: Picture): void {
    withHeaders(response, { 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
    this.#channel.addClient(request, response);
    this.#add('sse', response, picture => picture.sse, maxFps, newest);
  }

  /** Opens an MJPEG stream on a response. */
  addMjpeg(request: IncomingMessage, response: ServerResponse, maxFps: number, newest?: Picture): void {
    response.writeHead(200, {
      'Content-Type': `multipart/x-mixed-replace;boundary=${BOUNDARY}`,
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
    response.flushHeaders();
    request.socket.setNoDelay(true);
    const blink = showsPartsLate(request);
    if (blink) response.write(PART_OPENING);
    this.#add('mjpeg', response, picture => (blink ? picture.openPart : picture.part), maxFps, newest);
  }

  /** Gives a picture to every viewer, or to those of one kind. */
  show(picture: Picture, kind?: StreamKind): void {
    const nowMs = performance.now();
    for (const entry of this.#viewers.values()) {
      if (!kind || entry.kind === kind) entry.viewer.offer(picture, nowMs);
    }
  }

  /** Passes over a frame that nobody could take now. */
  pass(): void {
    const nowMs = performance.now();
    for (const { viewer } of this.#viewers.values()) viewer.pass(nowMs);
  }

  /** Tells SSE viewers of the status, all or only one. One that is behind is told the next time. */
  tell(status: object, only?: ServerResponse): void {
    const upToDate: ServerResponse[] = [];
    for (const [response, { viewer, kind }] of this.#viewers) {
      if (kind === 'sse' && !viewer.behind && (!only || response === only)) upToDate.push(response);
    }
    this.#channel.send({ event: 'status', data: JSON.stringify(status) }, upToDate);
  }

  [Symbol.dispose](): void {
    this.#channel.close();
    for (const { viewer } of this.#viewers.values()) viewer.release();
  }

  #add(
    kind: StreamKind,
    response: ServerResponse,
    render: (picture: Picture) => Buffer,
    maxFps: number,
    newest?: Picture,
  ): void {
    const viewer = new Viewer(response, render, maxFps, {
      skipped: () => this.#events.skipped(),
      caughtUp: () => this.caughtUp(),
    });
    this.#viewers.set(response, { viewer, kind });
    response.once('close', () => this.#viewers.delete(response));
    // A connection that breaks while it is written to is a viewer that left.
    response.on('error', () => response.destroy());
    // Node tells of a socket on which nothing has moved; while a write makes progress it waits on.
    response.setTimeout(this.#releaseMs, () => {
      if (!viewer.behind) return;
      this.#events.released();
      viewer.release();
    });
    if (newest) viewer.offer(newest, performance.now());
  }
}

/**
 * Blink draws a part of a multipart image one part late. It says that it wants an image, or a page of it: in
 * Sec-Fetch-Dest, or to a site without TLS that is not localhost only by what it accepts. A script accepts anything.
 */
function showsPartsLate({ headers }: IncomingMessage): boolean {
  const { 'user-agent': agent = '', 'sec-fetch-dest': destination, accept = '' } = headers;
  return (
    /Chrome\//.test(agent) &&
    (destination ? /^(image|document)$/.test(destination) : /^(image|text\/html)\b/.test(accept))
  );
}

/** sse-channel names its own Cache-Control when it writes the head; ours is to win. */
function withHeaders(response: ServerResponse, ours: Record<string, string>): void {
  const writeHead = response.writeHead.bind(response);
  response.writeHead = ((status: number, theirs: Record<string, string>) =>
    writeHead(status, { ...theirs, ...ours })) as ServerResponse['writeHead'];
}
