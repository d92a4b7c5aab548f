import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceName } from '../support/services.ts';
import { until } from '../support/until.ts';
import type { Fault } from './fault.ts';
import { NAMES, Rig } from './rig.ts';
import {
  type Held,
  isFault,
  leftOver,
  notFound,
  type Place,
  repeated,
  tooLate,
  whereFound,
} from './verdict.ts';

/** Free memory goes back to the kernel every 15 s. */
const SETTLE_MS = 20_000;
const CAUSE_MS = 4000;
/** Frames after the fault, so that what is wrong with some of them, or logged with each, is seen. */
const WATCHED = 50;
/** After this long without a report a fault is logged anew. */
const OVER_MS = 6000;
/** Counters that grow while all is well. */
const NORMAL =
  /frames_(published|received|encoded|recalled|repeated)_total|passes_total|viewers_(rejected|released)|source_state|_bytes_total/;

export interface Outcome {
  fault: string;
  /** Undefined if it did not come back. */
  liveAgainMs: number | undefined;
  said: string[];
  counted: string[];
  logged: string[];
  /** Where the cause was found; undefined where it need not be. */
  found: Record<Place, boolean | undefined>;
  /** What the services hold more than before, at most. */
  more: Held;
  /** What is wrong, in words. */
  failures: string[];
}

/**
 * Injects faults into one chain, one after another, and yields what came of each.
 *
 * @param watched frames that are looked at after each
 */
export async function* campaign(
  faults: readonly Fault[],
  random: () => number,
  watched = WATCHED,
): AsyncGenerator<Outcome, void, void> {
  await using rig = await Rig.start(random);
  for (const fault of faults) yield await run(rig, fault, random, watched);
}

async function run(rig: Rig, fault: Fault, random: () => number, watched: number): Promise<Outcome> {
  await forgotten(rig, fault);
  const before = new Map(NAMES.map(name => [name, rig.holds(name)]));
  await rig.mark();
  const { witness } = rig;
  witness.lie = fault.lie;
  witness.pace = fault.pace ?? {};
  const failures: string[] = [];
  let tidy: (() => Promise<void>) | undefined;
  try {
    tidy = (await fault.inject(rig, random)) ?? undefined;
  } catch (thrown) {
    failures.push(`could not be injected: ${(thrown as Error).message}`);
  }
  failures.push(...rig.revive());
  let liveAgainMs: number | undefined;
  try {
    const waited = new Map(NAMES.map(name => [rig.pid(name), rig.waitedMs(name)]));
    liveAgainMs = await rig.live(performance.now(), 60_000);
    const waits = NAMES.map(name => rig.waitedMs(name) - (waited.get(rig.pid(name)) ?? 0));
    failures.push(...tooLate(liveAgainMs, Math.max(...waits)));
  } catch {
    failures.push('not live again within 60 s');
  }
  const { frames } = witness;
  await until(() => witness.frames >= frames + watched, 'frames after the fault').catch(() =>
    failures.push('the picture stopped again'),
  );
  failures.push(...rig.revive());
  const kept: Held = { descriptors: 0, anonymousMb: 0 };
  for (const name of NAMES) {
    const now = await settled(rig, name, before.get(name)!);
    failures.push(...leftOver(name, before.get(name)!, now));
    for (const what of ['descriptors', 'anonymousMb'] as const)
      kept[what] = Math.max(kept[what], now[what] - before.get(name)![what]);
  }
  const { seen, found } = await causes(rig, fault);
  failures.push(...notFound(found), ...repeated(seen));
  if (tidy) {
    await tidy();
    await rig.live(performance.now());
  }
  // Not before frames of the fault's time have all been shown.
  witness.lie = undefined;
  witness.pace = {};
  // Those between two faults are among those of the second.
  const [offence, ...more] = witness.offences.splice(0);
  if (offence) failures.push(`${1 + more.length} times what no viewer may see, e.g. ${offence}`);
  return {
    fault: fault.name,
    liveAgainMs,
    said: seen.said.filter(said => !said.startsWith('live: The picture is live.')),
    counted: [...seen.counted]
      .filter(([series]) => !NORMAL.test(series))
      .map(([series, count]) => `${short(series)} ${Math.round(10 * count) / 10}`),
    logged: seen.logged.filter(({ level }) => isFault(level)).map(({ from, msg }) => `${from}: ${msg}`),
    found,
    more: kept,
    failures,
  };
}

/** Waits until the services log this fault's words anew: while the fault before it goes on, they log no second line. */
async function forgotten(rig: Rig, { shows }: Fault): Promise<void> {
  const { logged } = await rig.seen();
  if (logged.some(({ msg }) => shows.log?.test(msg))) await sleep(OVER_MS);
}

/** Returns what a service holds once it is as little as before, or after the time that it may take to let go. */
async function settled(rig: Rig, name: ServiceName, before: Held): Promise<Held> {
  const fitting = () => {
    const now = rig.holds(name);
    return leftOver(name, before, now).length === 0 ? now : undefined;
  };
  return await until(fitting, 'the baseline', SETTLE_MS, 200).catch(() => rig.holds(name));
}

/** A cause may be known only later, e.g. when the frames that were ready have been published. */
async function causes(rig: Rig, fault: Fault) {
  const look = async () => {
    const seen = await rig.seen();
    return { seen, found: whereFound(fault, seen) };
  };
  const isFound = async () => {
    const now = await look();
    return Object.values(now.found).includes(false) ? undefined : now;
  };
  return await until(isFound, 'the cause', CAUSE_MS, 100).catch(look);
}

/** A series without what is the same in all. */
function short(series: string): string {
  return series
    .replace(/^noaa_process_start_time_seconds\{service="(\w+)"\}/, 'start of $1')
    .replace(/^noaa_/, '')
    .replace(/,?service="\w+"/, '')
    .replace('{}', '');
}
