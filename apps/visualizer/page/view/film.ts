/** Not in TypeScript's library yet. */
declare class MediaStreamTrackGenerator extends MediaStreamTrack {
  constructor(init: { kind: 'video' });
  readonly writable: WritableStream<VideoFrame>;
}

/** Browsers don't report frames of windows that are covered by others. */
const UNSEEN_MS = 200;

interface Shot {
  frame: VideoFrame;
  shown: () => void;
}

/** Shows frames in a video element, so that nothing on the page's thread has to copy them. */
export class Film {
  readonly video = document.createElement('video');
  readonly #writer: WritableStreamDefaultWriter<VideoFrame>;
  /** The frame that was shown last, and the one that is on its way to the screen. */
  #last: Shot | undefined;
  #next: Shot | undefined;

  constructor() {
    const { video } = this;
    video.muted = true;
    video.autoplay = true;
    video.disablePictureInPicture = true;
    const track = new MediaStreamTrackGenerator({ kind: 'video' });
    video.srcObject = new MediaStream([track]);
    this.#writer = track.writable.getWriter();
    // Only then the first frame can be read.
    video.addEventListener('loadeddata', () => this.#report());
    const onFrame = () => {
      if (video.readyState >= video.HAVE_CURRENT_DATA) this.#report();
      video.requestVideoFrameCallback(onFrame);
    };
    video.requestVideoFrameCallback(onFrame);
  }

  /** Shows a frame. `shown` is called when it is on the screen, unless another one came first. */
  show(frame: VideoFrame, shown: () => void): void {
    this.#next?.frame.close();
    const next = { frame, shown };
    this.#next = next;
    this.#write(frame);
    setTimeout(() => this.#next === next && this.#report(), UNSEEN_MS);
  }

  /** Goes back to what was shown last, if another frame is on its way. */
  forget(): void {
    if (!this.#next) return;
    this.#next.frame.close();
    this.#next = undefined;
    if (this.#last) this.#write(this.#last.frame);
  }

  #write(frame: VideoFrame): void {
    const { video } = this;
    video.width = frame.displayWidth;
    video.height = frame.displayHeight;
    // A hidden window pauses it.
    if (video.paused) video.play().catch(() => {});
    // A copy without the pixels, to be shown at once.
    const due = new VideoFrame(frame, { timestamp: performance.now() * 1000 });
    this.#writer.write(due).catch(() => due.close());
  }

  #report(): void {
    const next = this.#next;
    if (!next) return;
    this.#next = undefined;
    this.#last?.frame.close();
    this.#last = next;
    next.shown();
  }
}
