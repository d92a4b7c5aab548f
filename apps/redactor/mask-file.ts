import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { repeatedKeys } from '../common/repeated-keys.ts';
import schema from './mask.schema.json' with { type: 'json' };
import { isFlat, type Point } from './shapes/polygon.ts';

/** A mask as `mask.schema.json` describes it, with every default filled in. */
export interface MaskFile {
  version: 1;
  /** The only size of picture that it fits. */
  picture: { width: number; height: number } | undefined;
  units: 'pixels' | 'normalised';
  border: Record<Side, number>;
  mode: 'cover' | 'keepOnly';
  margin: number;
  fill: string;
  regions: readonly Region[];
}

export type Side = (typeof SIDES)[number];
export const SIDES = ['top', 'right', 'bottom', 'left'] as const;

export type Region = { name: string; label?: string } & (
  | { shape: 'rectangle'; x: number; y: number; width: number; height: number }
  | { shape: 'ellipse'; cx: number; cy: number; rx: number; ry: number }
  | { shape: 'polygon'; points: readonly Point[] }
);

/** What is required of a file; the rest has defaults. */
type Written = Pick<MaskFile, 'version' | 'units' | 'regions'> &
  Partial<Omit<MaskFile, 'border'> & { border: Partial<MaskFile['border']>; $schema: string }>;

export type Reading = { ok: true; mask: MaskFile } | { ok: false; faults: string[] };

const NO_BORDER = { top: 0, right: 0, bottom: 0, left: 0 };

let validator: ValidateFunction | undefined;

/** Reads the text of a mask file. Reports every fault at once, in words for the author of the file. */
export function readMask(text: string): Reading {
  const reading = readText(text);
  return reading.ok ? reading : { ok: false, faults: reading.faults.map(withoutControls) };
}

/** A terminal may show them, and they quote the file. */
function withoutControls(fault: string): string {
  return fault.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ');
}

function readText(text: string): Reading {
  let value: unknown;
  try {
    // Some editors begin a file with a byte order mark.
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (thrown) {
    return { ok: false, faults: [`it is not JSON: ${(thrown as Error).message}`] };
  }
  validator ??= new Ajv({ allErrors: true, discriminator: true }).compile(schema);
  const errors = validator(value) ? [] : (validator.errors ?? []);
  const faults = [
    ...repeatedKeys(text).map(
      key => `${JSON.stringify(key)} stands twice in one object; keep one of the two`,
    ),
    ...errors.map(schemaFault),
  ];
  if (typeof value !== 'object' || value === null) return { ok: false, faults };
  const mask = withDefaults(value as Written);
  faults.push(...meaningFaults(mask, part => isSound(part, errors)));
  return faults.length > 0 ? { ok: false, faults } : { ok: true, mask };
}

function withDefaults({ $schema: _, ...written }: Written): MaskFile {
  return {
    picture: undefined,
    mode: 'cover',
    margin: 0,
    ...written,
    border: { ...NO_BORDER, ...written.border },
    fill: String(written.fill ?? '#000000').toLowerCase(),
  };
}

/** Returns whether the schema finds nothing wrong with a part, as in `regions/0`. */
function isSound(part: string, errors: readonly ErrorObject[]): boolean {
  return !errors.some(
    ({ instancePath, params }) =>
      `${instancePath}/`.startsWith(`/${part}/`) ||
      (instancePath === '' && params['missingProperty'] === part.split('/')[0]),
  );
}

/** What a schema cannot say, about those parts that keep to it. */
function meaningFaults(mask: MaskFile, sound: (part: string) => boolean): string[] {
  if (!sound('units')) return [];
  const size = sound('picture') ? mask.picture : undefined;
  const limit = mask.units === 'normalised' ? { width: 1, height: 1 } : size;
  const lacksPicture = mask.units === 'pixels' && !mask.picture;
  const regions = Array.isArray(mask.regions) ? mask.regions : [];
  return [
    ...(sound('regions') ? cornerFaults(regions) : []),
    ...(lacksPicture ? ['the file lacks "picture", the width and height that its pixels are of'] : []),
    ...(sound('border') ? borderFaults(mask) : []),
    ...regions.flatMap((region, index) =>
      sound(`regions/${index}`)
        ? regionFaults(region, mask.mode, limit).map(fault => `regions[${index}] (${region.name}): ${fault}`)
        : [],
    ),
  ];
}

/** More would be worked on for so long, once a size of picture, that the redactor seems to hang. */
const MAX_CORNERS = 10_000;

function cornerFaults(regions: readonly Region[]): string[] {
  const corners = regions.reduce(
    (sum, region) => sum + (region.shape === 'polygon' ? region.points.length : 0),
    0,
  );
  if (corners <= MAX_CORNERS) return [];
  return [
    `its polygons have ${corners} corners together, and at most ${MAX_CORNERS} are allowed; simplify their outlines`,
  ];
}

/** `/regions/0/points` as `regions[0].points`. */
function place(pointer: string): string {
  return (
    pointer
      .slice(1)
      .replaceAll('/', '.')
      .replaceAll(/\.?(\d+)(?=\.|$)/g, '[$1]') || 'the file'
  );
}

/** What a pattern asks for. */
const WORDING: Record<string, string> = {
  fill: 'an opaque colour, as in "#000000"',
  name: '1 to 64 characters on one line',
  label: '1 to 64 characters of ASCII: the font has no others',
};

function schemaFault({ instancePath, keyword, params, message }: ErrorObject): string {
  const where = place(instancePath);
  switch (keyword) {
    case 'additionalProperties':
      return `${where} has ${JSON.stringify(params['additionalProperty'])}, which means nothing there`;
    case 'required':
      return `${where} lacks ${JSON.stringify(params['missingProperty'])}`;
    case 'enum':
      return `${where} must be one of ${params['allowedValues'].join(', ')}`;
    case 'const':
      return `${where} must be ${JSON.stringify(params['allowedValue'])}`;
    case 'discriminator':
      return `${where}.shape must be one of rectangle, ellipse, polygon`;
    case 'pattern':
      return `${where} must be ${WORDING[where.split('.').at(-1)!]}`;
    case 'type':
      return `${where} must be ${params['type'] === 'string' ? 'text' : `a JSON ${params['type']}`}`;
    case 'minItems':
    case 'maxItems':
      return `${where} must have at ${keyword === 'minItems' ? 'least' : 'most'} ${params['limit']} entries`;
    default:
      return `${where} ${message}`;
  }
}

function borderFaults({ units, border }: MaskFile): string[] {
  const fits = (length: number) => (units === 'pixels' ? Number.isInteger(length) : length <= 1);
  const range = units === 'pixels' ? 'a whole number' : 'from 0 to 1';
  return SIDES.filter(side => !fits(border[side])).map(
    side => `border.${side} is ${border[side]}; with "units": "${units}" it must be ${range}`,
  );
}

function regionFaults(
  region: Region,
  mode: MaskFile['mode'],
  limit: { width: number; height: number } | undefined,
): string[] {
  const faults: string[] = [];
  const { left, right, top, bottom } = extentOf(region);
  if (limit) {
    for (const [from, to, end, way] of [
      [left, right, limit.width, 'across'],
      [top, bottom, limit.height, 'down'],
    ] as const) {
      if (from >= -NEGLIGIBLE && to <= end + NEGLIGIBLE) continue;
      const reach = `from ${rounded(from)} to ${rounded(to)} ${way}`;
      faults.push(`it reaches ${reach}, outside the picture's 0 to ${end}; move it or make it smaller`);
    }
  }
  if (region.shape === 'polygon' && isFlat(region.points))
    faults.push('all its points lie on one line, so it covers nothing; give it an area');
  if (region.label !== undefined && mode === 'keepOnly')
    faults.push('it has a label, which would hide part of what keepOnly leaves visible; take the label out');
  return faults;
}

/** What sums of fractions are off by. */
const NEGLIGIBLE = 1e-9;

function rounded(value: number): number {
  return Number(value.toPrecision(9));
}

function extentOf(region: Region): { left: number; right: number; top: number; bottom: number } {
  switch (region.shape) {
    case 'rectangle':
      return {
        left: region.x,
        right: region.x + region.width,
        top: region.y,
        bottom: region.y + region.height,
      };
    case 'ellipse':
      return {
        left: region.cx - region.rx,
        right: region.cx + region.rx,
        top: region.cy - region.ry,
        bottom: region.cy + region.ry,
      };
    case 'polygon': {
      const xs = region.points.map(([x]) => x);
      const ys = region.points.map(([, y]) => y);
      return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
    }
  }
}
