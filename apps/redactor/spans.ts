/** Sets of pixels, as the runs that they cover in each row. */

/** Starts and ends in turn, ascending: `[2, 5, 9, 10]` is the pixels 2, 3, 4 and 9. No two runs touch. */
export type Row = readonly number[];

/** One entry a row of the picture. Rows that are alike share one array, which makes them cheap to compare. */
export type Spans = readonly Row[];

const NOTHING: Row = [];

/** Returns the runs as a row: those that overlap or touch become one, empty ones are left out. */
export function toRow(runs: readonly (readonly [start: number, end: number])[]): Row {
  const sorted = runs.filter(([start, end]) => start < end).sort(([a], [b]) => a - b);
  if (sorted.length === 0) return NOTHING;
  const row: number[] = [];
  for (const [start, end] of sorted) {
    const last = row.length - 1;
    if (last > 0 && start <= row[last]!) row[last] = Math.max(row[last]!, end);
    else row.push(start, end);
  }
  return row;
}

function runsOf(row: Row): [start: number, end: number][] {
  const runs: [number, number][] = [];
  for (let i = 0; i < row.length; i += 2) runs.push([row[i]!, row[i + 1]!]);
  return runs;
}

/** Returns the pixels that any of the sets covers; all have as many rows. */
export function union(sets: readonly Spans[]): Spans {
  const [first, ...others] = sets;
  if (!first || others.length === 0) return first ?? [];
  return mapRows(sets, rows => {
    const filled = rows.filter(row => row.length > 0);
    return filled.length > 1 ? toRow(filled.flatMap(runsOf)) : (filled[0] ?? NOTHING);
  });
}

export function countPixels(spans: Spans): number {
  let count = 0;
  for (const row of spans) for (let i = 0; i < row.length; i += 2) count += row[i + 1]! - row[i]!;
  return count;
}

/** Returns the pixels of a picture this wide that the set does not cover. */
export function complement(spans: Spans, width: number): Spans {
  return mapRows([spans], ([row]) => {
    const bounds = [0, ...row!, width];
    return toRow(runsOf(bounds));
  });
}

/** Returns the samples that a covered pixel has a part in, where each sample belongs to 2×2 pixels. */
export function halved(spans: Spans): Spans {
  const upper = spans.filter((_, y) => y % 2 === 0);
  // The last row of an odd height has samples of its own.
  const lower = upper.map((row, i) => spans[2 * i + 1] ?? row);
  return mapRows([upper, lower], rows => {
    const runs = rows.flatMap(runsOf);
    return toRow(runs.map(([start, end]) => [start >> 1, (end + 1) >> 1]));
  });
}

/** Returns the same pixels by column: one entry a column, its runs from the top. */
export function transposed(spans: Spans, width: number): Spans {
  const columns: number[][] = Array.from({ length: width }, () => []);
  let above = NOTHING;
  for (let y = 0; y <= spans.length; y += 1) {
    const row = spans[y] ?? NOTHING;
    if (row === above) continue;
    // Where the two rows differ a run begins or ends. Bounds that both have cancel each other.
    for (const [start, end] of runsOf([...above, ...row].sort((a, b) => a - b))) {
      for (let x = start; x < end; x += 1) columns[x]!.push(y);
    }
    above = row;
  }
  return columns;
}

/** Applies `combine` to the rows at each height, once for rows that are the same arrays as those above them. */
function mapRows(sets: readonly Spans[], combine: (rows: readonly Row[]) => Row): Spans {
  let above: readonly Row[] = [];
  let combined = NOTHING;
  return sets[0]!.map((_, y) => {
    const rows = sets.map(set => set[y]!);
    if (y === 0 || rows.some((row, i) => row !== above[i])) combined = combine(rows);
    above = rows;
    return combined;
  });
}
