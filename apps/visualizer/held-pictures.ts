/** A viewer that has not taken what was written to it. */
export interface Holder {
  /** Bytes that wait for it, which others may share; undefined if none do. */
  readonly held: Buffer | undefined;
  /** Whether they were encrypted for it alone. */
  readonly encrypted: boolean;
  /** When they were written. */
  readonly wroteMs: number;
}

/**
 * Returns those who have to go so that pictures that wait for viewers hold at most this many bytes: those who have been at
 * theirs for longest. The newest picture may wait for all, however large it is.
 *
 * Cost: a look at each viewer.
 */
export function holdersToGo<V extends Holder>(viewers: Iterable<V>, mostBytes: number): V[] {
  const behind: V[] = [];
  /** How many wait for the same bytes. */
  const waiting = new Map<unknown, number>();
  let bytes = 0;
  for (const viewer of viewers) {
    if (!viewer.held) continue;
    behind.push(viewer);
    const key = keyOf(viewer);
    const others = waiting.get(key) ?? 0;
    waiting.set(key, others + 1);
    if (others === 0) bytes += viewer.held.length;
  }
  if (bytes <= mostBytes) return [];
  const gone: V[] = [];
  for (const viewer of behind.sort((a, b) => a.wroteMs - b.wroteMs)) {
    if (bytes <= mostBytes || waiting.size === 1) break;
    const key = keyOf(viewer);
    const others = waiting.get(key)! - 1;
    gone.push(viewer);
    if (others > 0) {
      waiting.set(key, others);
    } else {
      waiting.delete(key);
      bytes -= viewer.held!.length;
    }
  }
  return gone;
}

const keyOf = (viewer: Holder): unknown => (viewer.encrypted ? viewer : viewer.held);
