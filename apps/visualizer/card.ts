import { bandHeight, drawBand, wrap } from './band.ts';
import { loadCanvas } from './canvas.ts';
import { type Marking, markingHeader } from './marking.ts';
import { Picture } from './picture.ts';
import { type SourceView, TITLES } from './source.ts';

/** A card larger than this is drawn smaller, and the viewer scales it up. */
const MAX_SIDE = 1920;

/** The page's own colours. */
const GROUND = '#0b0f14';
const TITLE = '#ffb84d';
const TEXT = '#c3ccd5';

/** The card's shape before the first frame. */
const DEFAULT_SIZE = { width: 1280, height: 720 };

/** Draws the card that replaces the picture while nothing is live, and keeps the last one drawn. */
export class Card {
  readonly #marking: Marking | undefined;
  #last: { picture: Picture; key: string } | undefined;

  constructor(marking?: Marking) {
    this.#marking = marking;
  }

  /** Returns the card for a state, in the shape of the frames that it replaces. */
  for(view: SourceView, size = DEFAULT_SIZE): Picture {
    const { width, height } = size;
    const { title, message } = cardText(view);
    const key = `${width}×${height} ${title} ${message}`;
    if (this.#last?.key !== key) {
      const jpeg = drawCard(size, title, message, this.#marking);
      const facts = {
        seq: 0,
        width,
        height,
        publishedAt: Date.now(),
        position: null,
        latencyMs: null,
        validAt: null,
        mask: null,
      };
      this.#last = {
        key,
        picture: new Picture(jpeg, facts, true, this.#marking && markingHeader(this.#marking)),
      };
    }
    return this.#last.picture;
  }
}

/** Returns what the card says. While frames flow it replaces only one that could not be encoded, so it never reads “Live”. */
export function cardText({ state, message }: SourceView): { title: string; message: string } {
  if (state !== 'live') return { title: TITLES[state], message };
  return {
    title: 'No picture',
    message: 'The newest frame could not be encoded as a JPEG; the visualizer’s log has the reason.',
  };
}

/** Draws a card as a JPEG. It is drawn once for a state, never for a frame. */
function drawCard(
  picture: { width: number; height: number },
  title: string,
  message: string,
  marking: Marking | undefined,
): Buffer {
  const scale = Math.min(1, MAX_SIDE / picture.width, MAX_SIDE / picture.height);
  const width = Math.max(16, Math.round(picture.width * scale));
  const height = Math.max(16, Math.round(picture.height * scale));
  const canvas = loadCanvas().createCanvas(width, height);
  const context = canvas.getContext('2d');
  const unit = Math.min(width, height * 1.8) / 100;

  context.fillStyle = GROUND;
  context.fillRect(0, 0, width, height);
  context.textAlign = 'center';
  context.textBaseline = 'middle';

  const lineHeight = 3.6 * unit;
  context.font = `${2.4 * unit}px sans-serif`;
  const lines = wrap(context, message, 70 * unit);
  const top = height / 2 - (lines.length * lineHeight) / 2;
  context.fillStyle = TEXT;
  for (const [index, line] of lines.entries()) {
    context.fillText(line, width / 2, top + (index + 1) * lineHeight, width);
  }
  context.fillStyle = TITLE;
  context.font = `bold ${5 * unit}px sans-serif`;
  context.fillText(title, width / 2, top - 3 * unit, width);
  if (marking) {
    // Within the card, which must have the shape of the frames that it replaces.
    const band = Math.min(bandHeight(context, marking, width), Math.floor(height / 4));
    for (const y of [0, height - band]) drawBand(context, marking, { top: y, width, height: band });
  }
  const jpeg = canvas.toBuffer('image/jpeg', { quality: 0.9 });
  // Frees its pixels, 8 MB, now instead of at the next major collection, which is rare.
  canvas.width = 0;
  canvas.height = 0;
  return jpeg;
}
