import type { PixelLayout } from '../common/pixels.ts';
import { borderSpans, evenBorder } from './border.ts';
import { type Cover, coverOf } from './cover.ts';
import { digestOf } from './digest.ts';
import { colourOf, contrasting } from './fill.ts';
import { labelPixels } from './label.ts';
import { type Fill, fillsOf, type Layer, type Mask, maskOf } from './mask.ts';
import type { MaskFile } from './mask-file.ts';
import { countPixels, type Spans, union } from './spans.ts';

const BLACK = '#000000';

/** Everything that is covered: a border, and what each of the masks covers. */
export class Redaction {
  /** `REDACT_WIDTH`. */
  readonly borderPx: number;
  /** One mask, or none, or, while the file changes, the ones before it too. The last one has the colour and the labels. */
  readonly masks: readonly MaskFile[];
  readonly digest: bigint;

  constructor(borderPx: number, masks: readonly MaskFile[]) {
    this.borderPx = borderPx;
    this.masks = masks;
    this.digest = digestOf({ redactWidth: borderPx, masks });
  }
}

/** Why it can't be known what to cover. */
export interface Undecided {
  ok: false;
  /** For the operator. */
  detail: string;
  /** Says less: the names of regions are not for everyone who may watch. */
  forViewers?: string;
}

/** What is to be covered at a moment. */
export type InForce = { ok: true; redaction: Redaction } | Undecided;

/** A redaction for pictures of one layout. */
export type Fitted =
  | {
      ok: true;
      mask: Mask;
      fills: readonly Fill[];
      warnings: string[];
      /** The share of the picture that is covered, from 0 to 1. */
      covered: number;
    }
  | Undecided;

/** Fits a redaction to a layout, once for all frames of it. What does not fit is refused, never stretched. */
export function fit({ borderPx, masks }: Redaction, layout: PixelLayout): Fitted {
  const { width, height } = layout;
  const size = `${width}×${height}`;
  const covers: Cover[] = [];
  for (const mask of masks) {
    const otherSize = otherSizeOf(mask, size);
    if (otherSize) return { ok: false, detail: otherSize };
    const cover = coverOf(mask, width, height);
    const empty = mask.mode === 'cover' && mask.regions.find((_, i) => countPixels(cover.regions[i]!) === 0);
    if (empty) {
      const detail = `the region ${empty.name} covers nothing of a ${size} picture`;
      return { ok: false, detail, forViewers: `a region covers nothing of a ${size} picture` };
    }
    covers.push(cover);
  }
  const border = borderSpans(width, height, evenBorder(borderPx));
  const covered = union([border, ...covers.map(({ pixels }) => pixels)]);
  const count = countPixels(covered);
  if (count === 0) return { ok: false, detail: `nothing of a ${size} picture would be covered` };

  const newest = masks.at(-1);
  const colour = colourOf(newest?.fill ?? BLACK);
  const labels = newest ? labelsOf(newest, covers.at(-1)!.regions) : { layers: [], warnings: [] };
  const warnings = count < width * height ? labels.warnings : [nothingLeft(borderPx, masks, size)];
  const layers: Layer[] = [{ spans: covered, colour }, ...labels.layers];
  const fills = fillsOf(layers, layout);
  return { ok: true, mask: maskOf(fills), fills, warnings, covered: count / (width * height) };
}

function otherSizeOf({ picture }: MaskFile, size: string): string | undefined {
  const own = picture && `${picture.width}×${picture.height}`;
  if (!own || own === size) return undefined;
  return `the mask is for ${own}, and the picture is ${size}; draw it anew for this size, or play the clip that it is for`;
}

function nothingLeft(borderPx: number, masks: readonly MaskFile[], size: string): string {
  const variables =
    masks.length > 0 ? `REDACT_WIDTH=${borderPx} and MASK_FILE leave` : `REDACT_WIDTH=${borderPx} leaves`;
  return `${variables} nothing of the ${size} picture visible; cover less of it`;
}

function labelsOf(mask: MaskFile, regions: readonly Spans[]): { layers: Layer[]; warnings: string[] } {
  const colour = contrasting(colourOf(mask.fill));
  const layers: Layer[] = [];
  const warnings: string[] = [];
  for (const [i, { name, label }] of mask.regions.entries()) {
    const spans = label === undefined ? undefined : labelPixels(label, regions[i]!);
    if (spans) layers.push({ spans, colour });
    else if (label !== undefined)
      warnings.push(`the label of the region ${name} does not fit into it and is not drawn`);
  }
  return { layers, warnings };
}
