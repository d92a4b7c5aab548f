/**
 * What the server and the page exchange: types only, for both. A project of its own checks it. The page imports it as `.js`,
 * since tsc cannot rewrite a `.ts` that another project emits.
 */

/**
 * `waiting`: no frame yet. `live`: frames flow. `stalled`: the redactor is there and sends nothing. `disconnected`: it is
 * not there. `refusing`: what it sends may not be shown. `ended`: the clip is over and does not loop.
 */
export type SourceState = 'waiting' | 'live' | 'stalled' | 'disconnected' | 'refusing' | 'ended';

/** What a `frame` event says of its picture besides the JPEG. */
export interface PictureFacts {
  /** The frame's number since playback started. */
  seq: number;
  width: number;
  height: number;
  /** When playback published it, Unix ms with a fraction, on the server's clock. */
  publishedAt: number;
  /** Microseconds into the clip; null if the publisher does not say. */
  position: number | null;
  /** From publication to the finished JPEG, in ms; null if the publisher does not say. */
  latencyMs: number | null;
  /** When the picture was taken, Unix ms; null if that is not known. */
  validAt: number | null;
  /** The start of the SHA-256 of the mask in force, 16 hex digits; null if the redactor does not say. */
  mask: string | null;
}

/** An SSE event `frame`. */
export interface FrameMessage extends PictureFacts {
  /** Base64. */
  jpeg: string;
}

/** An SSE event `status`, and the answer of `/status`. Numbers are null until there is something to count. */
export interface Status {
  service: string;
  version: string;
  node: string;
  state: SourceState;
  /** One sentence for people. */
  message: string;
  /** When this was said, Unix ms on the server's clock. */
  time: number;
  uptimeSeconds: number;
  /** Of the newest frame, as in `PictureFacts`. */
  validAt: number | null;
  mask: string | null;
  source: {
    address: string;
    connected: boolean;
    width: number | null;
    height: number | null;
    format: string | null;
    sequence: number | null;
    /** The sequence of the newest picture, which a repeat of it leaves as it is. */
    pictureSequence: number | null;
    lastFrameAgoMs: number | null;
    /** Frames that repeated the picture before them, sent while playback waits. */
    repeats: number;
    /** How far the publisher's clock is behind ours; null while they agree. */
    clockBehindMs: number | null;
    /** Whether the picture has had one colour throughout for 5 s; null where that is not known. */
    blank: boolean | null;
    /** Connections to it made after the first. */
    reconnects: number;
    /** Connections lost within the last minute, if there were several. */
    recentLosses: number;
    /** Why there is no connection; null if there is one, or the reason is not known. */
    fault: string | null;
  };
  /** Of a relay, the visualizer that it watches and what that one says of its own source. Null where frames come from a redactor. */
  origin: { address: string; connected: boolean; state: SourceState | null; message: string | null } | null;
  /** Random ids of this process and of the visualizers before it, nearest first. */
  chain: string[];
  /** CLIP_SECTOR as it is set: where the picture lies. Null if it is not known. */
  sector: string | null;
  /** What must be written on the picture wherever it is shown; the colour is `#rrggbb`. */
  marking: { text: string; color: string } | null;
  /** Frames a second over the last second. */
  fps: { in: number | null; out: number | null };
  /** From publication to the finished JPEG, over the last minute. */
  latencyMs: { p50: number | null; p99: number | null };
  /** Frames that not every viewer was shown, by cause. */
  dropped: Record<DropCause, number>;
  /** Messages that may not be shown, by reason. */
  refused: Record<string, number>;
  /** Values in frames that cannot be true, and so were added to nothing. */
  implausible: { sequence: number; clock: number };
  loop: LoopSize;
  viewers: {
    now: number;
    max: number;
    sse: number;
    mjpeg: number;
    /** Other visualizers that watch this one. */
    relay: number;
    released: number;
    rejected: number;
  };
}

/** Why a frame that arrived, or should have, was not shown to everyone. */
export type DropCause = 'upstream' | 'encoder' | 'viewer';

/** A picture of the loop. */
export interface LoopFrame {
  id: string;
  seq: number;
  /** As in `PictureFacts`. */
  position: number | null;
  validAt: number | null;
  width: number;
  height: number;
  /** Of the JPEG, which is at `/loop/{id}.jpg`. */
  bytes: number;
}

/** The answer of `/loop`, oldest first; a clip that is held whole starts at its beginning. */
export interface LoopList {
  frames: LoopFrame[];
  bytes: number;
  maxBytes: number;
  maxFrames: number;
  /** How many changes led to this listing. */
  revision: number;
}

/** How much of the history is held; limits of 0 turn it off. */
export interface LoopSize {
  pictures: number;
  bytes: number;
  maxBytes: number;
  maxFrames: number;
}

/** An SSE event `loop`. */
export interface LoopChange {
  /** `after` is the id of the frame before it in the listing; null at the start. */
  added: (LoopFrame & { after: string | null })[];
  removed: string[];
  /** One more than the listing's before. A viewer that missed one has to ask for `/loop` again. */
  revision: number;
}
