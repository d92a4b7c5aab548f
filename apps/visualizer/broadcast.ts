import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import SseChannel from 'sse-channel';
import { lasts } from '../common/http.ts';
import type { Who } from './access/who.ts';
import { holdersToGo } from './held-pictures.ts';
import { Pace, progressOf } from './pace.ts';
import { BOUNDARY, type Picture, partOpening, relayEvent } from './picture.ts';
import { type NoPlace, type PlaceLimits, placeFor } from './places.ts';
import { type Ending, type Render, Viewer } from './viewer.ts';

const PING_MS = 15_000;
const RETRY_MS = 1000;
/** A client that is asked to reconnect waits this long. */
const RECONNECT_MS = 100;
const NO_BUFFERING = { 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' };
const MJPEG_HEADERS = { 'Content-Type': `multipart/x-mixed-replace;boundary=${BOUNDARY}`, ...NO_BUFFERING };
/** The headers of each kind of stream. */
export const STREAM_HEADERS = {
  // sse-channel writes the same Content-Type by itself.
  sse: { 'Content-Type': 'text/event-stream;charset=UTF-8', ...NO_BUFFERING },
  mjpeg: MJPEG_HEADERS,
  relay: MJPEG_HEADERS,
};

/** The last thing that each kind of stream is sent when this process is about to end. */
const FAREWELL: Record<StreamKind, Buffer> = {
  sse: Buffer.from(`retry: ${RECONNECT_MS}\nevent: reconnect\ndata: {}\n\n`),
  mjpeg: Buffer.alloc(0),
  relay: relayEvent('reconnect', {}),
};

/**
 * A recorder keeps the shape of the first picture it gets and stretches all others into it, so it gets no card until the
 * shape is known. OpenCV gives up after 30 s.
 */
const RECORDER_PATIENCE_MS = 20_000;

/** A proxy or a player that receives nothing for longer than this may give up. */
const KEEP_ALIVE_MS = 4000;

export interface BroadcastLimits extends PlaceLimits {
  /** Bytes of pictures that may wait for viewers. */
  heldBytes: number;
}

export interface BroadcastEvents {
  joined(kind: StreamKind): void;
  left(visit: Ended): void;
  /** A newer picture replaced one that a slow viewer had not taken. */
  skipped(): void;
  /** A viewer took nothing for so long that its connection was closed. */
  released(): void;
  /** A viewer can take a picture again, and none has been made of the newest frame. */
  caughtUp(): void;
  /** A picture of this many bytes was written to a viewer. */
  wrote(bytes: number): void;
}

/** `relay`: MJPEG for another visualizer, with the events of Server-Sent Events as parts among the pictures. */
export type StreamKind = 'sse' | 'mjpeg' | 'relay';

/** What there is to say of a viewer that has left. */
export interface Ended {
  kind: StreamKind;
  who: Who;
  startedAt: Date;
  bytes: number;
  ending: Ending;
}

interface Entry {
  viewer: Viewer;
  kind: StreamKind;
  who: Who;
  pace: Pace;
  /** It may be shown a card of any shape from then on. */
  anyShapeMs: number;
}

/** How many viewers there are of each state. */
export interface ViewerStates {
  prompt: number;
  /** It has not taken what was written to it. */
  behind: number;
  /** It has closed its sending half, and is perhaps gone. */
  halfClosed: number;
}

/** A request for a stream. */
export interface Visit {
  kind: StreamKind;
  request: IncomingMessage;
  response: ServerResponse;
  /** The viewer's own cap, Infinity for none. */
  maxFps: number;
  who: Who;
}

/**
 * Writes to all viewers. A picture is made ready once, as one buffer, and all get the same bytes: one more viewer costs
 * the kernel's copy. No viewer waits for another.
 */
export class Broadcast implements Disposable {
  readonly #channel = new SseChannel({ pingInterval: PING_MS, retryTimeout: RETRY_MS });
  readonly #viewers = new Map<ServerResponse, Entry>();
  readonly #events: BroadcastEvents;
  readonly #releaseMs: number;
  readonly #limits: BroadcastLimits;
  readonly #marking: string | undefined;

  /**
   * @param releaseMs a viewer that is behind and takes nothing, or next to nothing, for this long is disconnected
   * @param marking what headers say of the marking
   */
  constructor(limits: BroadcastLimits, releaseMs: number, events: BroadcastEvents, marking?: string) {
    this.#marking = marking;
    this.#limits = limits;
    this.#releaseMs = releaseMs;
    this.#events = events;
  }

  /** Viewers at once. */
  get max(): number {
    return this.#limits.max;
  }

  /** Returns why there is no place for one more viewer, undefined if there is one. */
  noPlaceFor(who: Who): NoPlace | undefined {
    const place = placeFor(who, this.#present(), this.#limits);
    return typeof place === 'string' ? place : undefined;
  }

  count(kind?: StreamKind): number {
    if (!kind) return this.#viewers.size;
    let count = 0;
    for (const entry of this.#viewers.values()) if (entry.kind === kind) count += 1;
    return count;
  }

  states(): ViewerStates {
    const states: ViewerStates = { prompt: 0, behind: 0, halfClosed: 0 };
    for (const { viewer } of this.#viewers.values()) {
      states[viewer.halfClosed ? 'halfClosed' : viewer.behind ? 'behind' : 'prompt'] += 1;
    }
    return states;
  }

  /** Whether a picture made now would be written to any viewer. */
  wanted(nowMs = performance.now()): boolean {
    for (const { viewer } of this.#viewers.values()) if (viewer.wants(nowMs)) return true;
    return false;
  }

  /**
   * Opens a stream on a response, with a first picture if there is one.
   *
   * @param opening the status, which a relay gets before anything else
   */
  join({ kind, request, response, maxFps, who }: Visit, first?: Picture, opening?: object): void {
    lasts(response);
    const render =
      kind === 'sse' ? this.#openSse(request, response) : openMjpeg(request, response, kind, this.#marking);
    if (this.#viewers.size >= this.max) this.#makeRoom(who);
    const startedAt = new Date();
    const viewer = new Viewer(response, render, maxFps, this.#events);
    const pace = new Pace(
      progressOf(request, response, () => viewer.bytes),
      this.#releaseMs,
      performance.now(),
    );
    const anyShapeMs = performance.now() + (isRecorder(request) ? RECORDER_PATIENCE_MS : 0);
    this.#viewers.set(response, { viewer, kind, who, pace, anyShapeMs });
    this.#events.joined(kind);
    response.once('close', () => {
      this.#viewers.delete(response);
      this.#events.left({ kind, who, startedAt, bytes: viewer.bytes, ending: viewer.ending });
    });
    // A connection that breaks during a write is a viewer that left.
    response.on('error', () => response.destroy());
    // Node reports a socket on which nothing has moved; a slow write that makes progress is not one.
    response.setTimeout(this.#releaseMs, () => {
      if (!viewer.behind) return;
      this.#events.released();
      viewer.release('too slow');
    });
    if (opening) response.write(relayEvent('status', opening));
    if (first) viewer.offer(first, performance.now());
  }

  /** Offers a picture to every viewer, or to those of one kind. */
  show(picture: Picture, kind?: StreamKind): void {
    const nowMs = performance.now();
    for (const entry of this.#viewers.values()) {
      if (!kind || entry.kind === kind) entry.viewer.offer(picture, nowMs);
    }
    this.#boundHeld();
  }

  /** Each viewer that takes nothing may hold another picture, which together are more than there is memory for. */
  #boundHeld(): void {
    const viewers = this.#viewers.values().map(({ viewer }) => viewer);
    for (const viewer of holdersToGo(viewers, this.#limits.heldBytes)) {
      this.#events.released();
      viewer.release('too slow');
    }
  }

  /** Offers a card to the MJPEG viewers, or to one of them. If its shape is a guess, recorders wait for a better one. */
  showCard(card: Picture, shapeIsKnown: boolean, only?: ServerResponse): void {
    const nowMs = performance.now();
    for (const [response, { viewer, kind, anyShapeMs }] of this.#viewers) {
      if (kind !== 'mjpeg' || (only && response !== only)) continue;
      if (shapeIsKnown || nowMs >= anyShapeMs) viewer.offer(card, nowMs);
    }
  }

  /** Writes the picture again to MJPEG viewers that have been written nothing for a while. To be called once a second. */
  keepAlive(picture: Picture, nowMs = performance.now()): void {
    for (const { viewer, kind } of this.#viewers.values()) {
      if (kind === 'mjpeg') viewer.keepAlive(picture, nowMs, KEEP_ALIVE_MS);
    }
  }

  /** Disconnects viewers that may watch no longer, or that are behind and take next to nothing. To be called once a second. */
  release(nowMs = performance.now()): void {
    for (const { viewer, pace, who } of this.#viewers.values()) {
      if (!who.isValid()) viewer.release('access ended');
      if (!pace.tooSlow(nowMs)) continue;
      this.#events.released();
      viewer.release('too slow');
    }
  }

  /** Notes a frame that is not encoded because no viewer can take it now. */
  pass(): void {
    const nowMs = performance.now();
    for (const { viewer } of this.#viewers.values()) viewer.pass(nowMs);
  }

  /** Sends an event to the SSE viewers and relays, or to one of them. A viewer that is behind does not get it. */
  send(event: 'status' | 'loop', data: object, only?: ServerResponse): void {
    const upToDate = this.#upToDate('sse', only);
    this.#channel.send({ event, data: JSON.stringify(data) }, upToDate);
    this.sendToRelays(event, data, only);
  }

  /** Sends an event to relays, or to one of them. */
  sendToRelays(event: 'status' | 'loop' | 'repeat', data: object, only?: ServerResponse): void {
    const relays = this.#upToDate('relay', only);
    if (relays.length === 0) return;
    const part = relayEvent(event, data);
    for (const response of relays) response.write(part);
  }

  #upToDate(kind: StreamKind, only?: ServerResponse): ServerResponse[] {
    return [...this.#viewers]
      .filter(
        ([response, entry]) => entry.kind === kind && !entry.viewer.behind && (!only || response === only),
      )
      .map(([response]) => response);
  }

  /** Ends all streams, spread over this time, after asking their clients to reconnect. */
  async drain(withinMs: number): Promise<void> {
    const entries = [...this.#viewers];
    const apartMs = withinMs / (entries.length + 1);
    const ended = entries.map(async ([response, { viewer, kind }], at) => {
      await sleep(apartMs * at);
      viewer.dismiss(FAREWELL[kind]);
      if (!response.closed) await once(response, 'close');
    });
    await Promise.all(ended);
  }

  [Symbol.dispose](): void {
    this.#channel.close();
    for (const { viewer } of this.#viewers.values()) viewer.release('stopped');
  }

  /** A viewer that has closed its half makes room, since it is probably gone. */
  #present(): Entry[] {
    return [...this.#viewers.values()].filter(({ viewer }) => !viewer.halfClosed && !viewer.released);
  }

  #makeRoom(who: Who): void {
    const place = placeFor(who, this.#present(), this.#limits);
    const gone = [...this.#viewers.values()].find(({ viewer }) => viewer.halfClosed && !viewer.released);
    const entry = gone ?? (typeof place === 'object' ? place : undefined);
    entry?.viewer.release('made room');
  }

  #openSse(request: IncomingMessage, response: ServerResponse): Render {
    withHeaders(response, STREAM_HEADERS.sse);
    this.#channel.addClient(withOwnSocket(request), response);
    return picture => picture.sse;
  }
}

function openMjpeg(
  request: IncomingMessage,
  response: ServerResponse,
  kind: 'mjpeg' | 'relay',
  marking?: string,
): Render {
  response.writeHead(200, STREAM_HEADERS[kind]);
  response.flushHeaders();
  if (request.httpVersionMajor < 2) request.socket.setNoDelay(true);
  if (kind === 'relay') return picture => picture.relayPart;
  if (!showsPartsLate(request)) return picture => picture.part;
  response.write(partOpening(marking));
  return picture => picture.openPart;
}

/**
 * Whether the client is Blink and draws a part of a multipart image one part late. It asks for an image or a page in
 * Sec-Fetch-Dest; to a site without TLS that is not localhost, only in what it accepts. A script accepts anything.
 */
function showsPartsLate({ headers }: IncomingMessage): boolean {
  const { 'user-agent': agent = '', 'sec-fetch-dest': destination, accept = '' } = headers;
  return (
    /Chrome\//.test(agent) &&
    (destination ? /^(image|document)$/.test(destination) : /^(image|text\/html)\b/.test(accept))
  );
}

/** Whether the client is ffmpeg, or what is made of it: OpenCV, mpv. */
function isRecorder({ headers }: IncomingMessage): boolean {
  return /^Lavf\//.test(headers['user-agent'] ?? '');
}

/** In HTTP/2 many streams share a socket, and none may set it up. */
function withOwnSocket(request: IncomingMessage): IncomingMessage {
  if (request.httpVersionMajor < 2) return request;
  const socket = { setTimeout() {}, setNoDelay() {}, setKeepAlive() {} };
  const { url, headers } = request;
  return { url, headers, socket, on: request.on.bind(request) } as unknown as IncomingMessage;
}

/** Overrides the headers that sse-channel writes, its Cache-Control among them. */
function withHeaders(response: ServerResponse, ours: Record<string, string>): void {
  const writeHead = response.writeHead.bind(response);
  response.writeHead = ((status: number, { Connection: connection, ...theirs }: Record<string, string>) => {
    // HTTP/2 has no such header.
    const kept =
      connection !== undefined && response.req.httpVersionMajor < 2 ? { Connection: connection } : {};
    return writeHead(status, { ...kept, ...theirs, ...ours });
  }) as ServerResponse['writeHead'];
}
