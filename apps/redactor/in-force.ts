import type { ConfigOf } from '../common/env.ts';
import { Fault } from '../common/errors.ts';
import type { schema } from './config.ts';
import type { MaskEvents } from './live-mask.ts';
import { type InForce, Redaction } from './redaction.ts';

/**
 * Returns what says at each moment what is to be covered: the border, and the mask file, which is followed until
 * `signal` is aborted.
 *
 * @throws Fault `bad-configuration` if nothing would be covered, or the file holds no mask, unless WAIT_FOR_MASK is set
 */
export async function redactionInForce(
  config: Pick<ConfigOf<typeof schema>, 'REDACT_WIDTH' | 'MASK_FILE' | 'WAIT_FOR_MASK'>,
  events: MaskEvents,
  signal: AbortSignal,
): Promise<() => InForce> {
  const { REDACT_WIDTH: borderPx, MASK_FILE: path } = config;
  if (path === '') {
    if (borderPx === 0) {
      throw new Fault(
        'bad-configuration',
        'REDACT_WIDTH="0" covers nothing without a MASK_FILE; set it to 1 or more, or MASK_FILE to a mask',
      );
    }
    const redaction = new Redaction(borderPx, []);
    events.maskChanged(redaction, undefined);
    return () => ({ ok: true, redaction });
  }
  // The JSON Schema validator is loaded only if it is needed.
  const { LiveMask } = await import('./live-mask.ts');
  const mask = new LiveMask(path, borderPx, events, signal);
  const first = mask.now();
  if (!first.ok && !config.WAIT_FOR_MASK) throw new Fault('bad-configuration', first.detail);
  return () => mask.now();
}
