/** `npm run mask-preview`: draws what a mask covers, over a grid, never over imagery. */
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { asError } from '../common/errors.ts';
import { isGeometry } from '../common/pixels.ts';
import { hexDigest } from './digest.ts';
import { readMask } from './mask-file.ts';
import { drawPreview } from './preview.ts';
import { fit, Redaction } from './redaction.ts';

const USAGE = `npm run mask-preview -- [MASK_FILE] [--size 1920x1080] [--redact-width N] [--output preview.png]
  MASK_FILE        the mask; without it the variable MASK_FILE
  --size           the picture's size; needed if the mask does not state one
  --redact-width   the border; without it the variable REDACT_WIDTH, or 100
  --output         where the PNG goes, - for standard output; without it mask-preview.png`;

/** A mistake on the command line; the usage is printed after its message. */
class UsageError extends Error {}

try {
  await preview();
} catch (thrown) {
  const { message } = asError(thrown);
  console.error(thrown instanceof UsageError ? `${message}\n\n${USAGE}` : message);
  process.exitCode = thrown instanceof UsageError ? 2 : 1;
}

async function preview(): Promise<void> {
  const { values, positionals } = given();
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const path = positionals[0] ?? process.env['MASK_FILE'] ?? '';
  if (path === '') throw new UsageError('Which mask? Name its file.');
  const reading = readMask(await readFile(path, 'utf8'));
  if (!reading.ok) throw new Error([`${path} is no mask:`, ...reading.faults].join('\n  '));
  const { mask } = reading;
  const borderPx = wholeNumber(values['redact-width'] ?? process.env['REDACT_WIDTH'] ?? '100');
  const { width, height } = values.size === undefined ? (mask.picture ?? noSize()) : sizeOf(values.size);

  const redaction = new Redaction(borderPx, [mask]);
  const fitted = fit(redaction, { width, height, format: 'bgr24', order: 'C' });
  if (!fitted.ok) throw new Error(fitted.detail);
  for (const warning of fitted.warnings) console.error(`warning: ${warning}`);
  const png = drawPreview(borderPx, mask, width, height);
  const { output } = values;
  if (output === '-') process.stdout.write(png);
  else await writeFile(output, png);
  const where = output === '-' ? '' : `: ${output}`;
  console.error(`mask ${hexDigest(redaction.digest)} on ${width}×${height}${where}`);
}

function given() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        size: { type: 'string' },
        'redact-width': { type: 'string' },
        output: { type: 'string', default: 'mask-preview.png' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (thrown) {
    throw new UsageError(asError(thrown).message);
  }
}

function wholeNumber(text: string): number {
  if (!/^\d{1,5}$/.test(text))
    throw new UsageError(`${JSON.stringify(text)} is no width of a border in pixels`);
  return Number(text);
}

function sizeOf(text: string): { width: number; height: number } {
  const [, width = 0, height = 0] = (/^(\d+)[x×](\d+)$/.exec(text) ?? []).map(Number);
  if (!isGeometry(width, height)) throw new UsageError(`${JSON.stringify(text)} is no size, as in 1920x1080`);
  return { width, height };
}

function noSize(): never {
  throw new UsageError('The mask does not state a picture; give the size of yours with --size.');
}
