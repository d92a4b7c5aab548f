import { quantile } from '../../bench/statistics.ts';
import type { Outcome } from './campaign.ts';

/** Returns the outcomes as a Markdown table, one line a fault. */
export function table(outcomes: readonly Outcome[]): string {
  const byFault = Map.groupBy(outcomes, ({ fault }) => fault);
  const rows = [...byFault]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([fault, all]) => {
      const times = all.map(({ liveAgainMs }) => liveAgainMs ?? Number.POSITIVE_INFINITY);
      const cells = [
        fault,
        String(all.length),
        listed(states(all.flatMap(({ said }) => said))) || 'the live picture',
        `${seconds(quantile(times, 0.5))} / ${seconds(Math.max(...times))}`,
        listed(names(all.flatMap(({ counted }) => counted))),
        (['status', 'metric', 'log'] as const)
          .map(place => mark(all.map(({ found }) => found[place])))
          .join(' '),
        `${Math.max(...all.map(({ more }) => Math.round(more.anonymousMb)))}, ${Math.max(...all.map(({ more }) => more.descriptors))}`,
        listed([...new Set(all.flatMap(({ failures }) => failures))]),
      ];
      return `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`;
    });
  return [
    '| fault | times | viewers saw | live again, s, median / most | counted | cause in status, metrics, log | MB, descriptors more than before | failed |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

const seconds = (ms: number) => (Number.isFinite(ms) ? (ms / 1000).toFixed(1) : 'never');
const listed = (items: Iterable<string>) => [...items].slice(0, 4).join('; ');
const states = (said: string[]) => new Set(said.map(text => text.split(':')[0]!));
const names = (counted: string[]) => new Set(counted.map(text => text.replace(/ [\d.e+-]+$/, '')));

function mark(found: (boolean | undefined)[]): string {
  if (found.every(one => one === undefined)) return '–';
  return found.every(Boolean) ? '✓' : '✗';
}
