/** One event `frame` of the stream. */
export interface Frame {
  seq: number;
  width: number;
  height: number;
  /** When playback published it, Unix ms on the server's clock. */
  publishedAt: number;
  /** Microseconds into the clip; null where the publisher does not tell. */
  position: number | null;
  /** From publication to the finished JPEG; null where the publisher does not tell. */
  latencyMs: number | null;
  /** Base64. */
  jpeg: string;
}

/** One event `status` of the stream, and what `/status` answers. Numbers are null until there is something to count. */
export interface Status {
  service: string;
  version: string;
  node: string;
  state: 'waiting' | 'live' | 'stalled' | 'disconnected' | 'refusing';
  /** One sentence for people. */
  message: string;
  /** Unix ms on the server's clock, when this was said. */
  time: number;
  uptimeSeconds: number;
  source: {
    address: string;
    connected: boolean;
    width: number | null;
    height: number | null;
    format: string | null;
    sequence: number | null;
    lastFrameAgoMs: number | null;
  };
  fps: { in: number | null; out: number | null };
  latencyMs: { p50: number | null; p99: number | null };
  dropped: { upstream: number; encoder: number; viewer: number };
  refused: Record<string, number>;
  viewers: { now: number; max: number; sse: number; mjpeg: number };
}
