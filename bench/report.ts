import { mkdirSync, writeFileSync } from 'node:fs';

export const FOLDER = 'build/bench';

export type Cell = string | number;

export interface Table {
  title: string;
  columns: string[];
  rows: Cell[][];
  notes: string[];
}

/** One section of the benchmark: yields a line on what it measures next, and each table as soon as it is known. */
export type Section = AsyncGenerator<string | Table, Findings, void>;

export interface Findings {
  /** The lines of the summary: what was aimed at and what was found. */
  verdicts: Verdict[];
  /** Everything that was measured, for the JSON. */
  raw: unknown;
}

export interface Verdict {
  what: string;
  found: string;
  target: string;
  met: boolean | undefined;
}

export function number(value: number, digits = 1): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '–';
}

export function printTable({ title, columns, rows, notes }: Table): void {
  const text = [columns, ...rows].map(row =>
    row.map(cell => (typeof cell === 'number' ? number(cell) : cell)),
  );
  const widths = columns.map((_, i) => Math.max(...text.map(row => row[i]!.length)));
  const line = (row: string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  console.log(`\n${title}`);
  for (const [i, row] of text.entries()) {
    console.log(line(row));
    if (i === 0) console.log(widths.map(width => '─'.repeat(width)).join('  '));
  }
  for (const note of notes) console.log(`  ${note}`);
}

export function writeResult(name: string, content: string): void {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${FOLDER}/${name}`, content);
}
