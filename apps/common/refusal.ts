/** Why a message is not a frame. Closed, so that it can label a counter. */
export type RefusalReason =
  | 'multi-part'
  | 'too-long'
  | 'too-short'
  | 'bad-geometry'
  | 'no-trailer'
  | 'bad-trailer'
  | 'unknown-format'
  | 'wrong-length'
  | 'bad-pickle'
  | 'withheld';

export interface Refusal {
  ok: false;
  reason: RefusalReason;
  /** For the log: what was found, in numbers, never bytes of the message. Of a notice it is the publisher's sentence. */
  detail: string;
}

export function refuse(reason: RefusalReason, detail: string): Refusal {
  return { ok: false, reason, detail };
}
