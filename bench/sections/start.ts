import { until } from '../../tests/support/until.ts';
import { clip } from '../clips.ts';
import { Services } from '../load/services.ts';
import { type Plan, turnOf } from '../plan.ts';
import { number, type Section } from '../report.ts';
import { spread } from '../statistics.ts';

/** Times from the start of all three to the first frame in a viewer's hand, and from a viewer's request to its first frame. */
export async function* start(plan: Plan): Section {
  const path = await clip('sample', '1080p', 300);
  const cold: number[] = [];
  const joined: number[] = [];
  for (let round = -1; round < plan.rounds; round += 1) {
    yield `start: ${turnOf(round, plan)}`;
    const startMs = performance.now();
    await using services = await Services.start({ path });
    await firstFrame(services.url, 20_000);
    const firstMs = performance.now();
    if (round >= 0) cold.push(firstMs - startMs);
    await services.live();
    const askedMs = performance.now();
    await firstFrame(services.url, 5000);
    if (round >= 0) joined.push(performance.now() - askedMs);
  }
  const row = (name: string, values: number[]) => {
    const { median, min, max } = spread(values);
    return [name, number(median, 0), `${number(min, 0)}–${number(max, 0)}`];
  };
  const found = spread(cold).median;
  yield {
    title: `Start, sample 1080p, ${plan.rounds} rounds, milliseconds`,
    columns: ['', 'median', 'min–max'],
    rows: [
      row('three services to the first frame in hand', cold),
      row('a new viewer to its first frame', joined),
    ],
    notes: [],
  };
  return {
    verdicts: [
      {
        what: 'start of all three to the first frame in hand',
        found: `${number(found, 0)} ms`,
        target: '≤ 1500 ms',
        met: found <= 1500,
      },
    ],
    raw: { cold, joined },
  };
}

/** Resolves once a viewer has a frame; while nothing listens yet it asks again. */
async function firstFrame(url: string, timeoutMs: number): Promise<void> {
  await until(() => hasFrame(url, AbortSignal.timeout(timeoutMs)), 'a frame', timeoutMs, 5);
}

async function hasFrame(url: string, deadline: AbortSignal): Promise<boolean> {
  const stop = new AbortController();
  try {
    const response = await fetch(`${url}/stream`, { signal: AbortSignal.any([deadline, stop.signal]) });
    let seen = '';
    for await (const bytes of response.body!) {
      // The name of an event may be cut in two.
      seen = (seen + Buffer.from(bytes).toString('latin1')).slice(-4096 - bytes.length);
      if (seen.includes('event: frame')) return true;
    }
    return false;
  } finally {
    stop.abort();
  }
}
