import type { ServiceName } from '../support/services.ts';
import { until } from '../support/until.ts';
import type { Fault } from './fault.ts';
import { NAMES, Rig, type Seen } from './rig.ts';

/** Live again by itself within this time of the fault's end. */
export const LIMIT_MS = 5000;
/** Descriptors and memory that may be more than before the fault. */
const MORE_DESCRIPTORS = 4;
const MORE_MB = 40;
const SETTLE_MS = 20_000;
const CAUSE_MS = 4000;
/** A campaign of several seconds may meet the same twice. */
const MOST_LINES = 2;
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
  found: Record<'status' | 'metric' | 'log', boolean | undefined>;
  /** What is wrong, in words. */
  failures: string[];
}

/** Injects faults into one chain, one after another, and yields what came of each. */
export async function* campaign(
  faults: readonly Fault[],
  random: () => number,
): AsyncGenerator<Outcome, void, void> {
  await using rig = await Rig.start(random);
  for (const fault of faults) yield await run(rig, fault, random);
}

async function run(rig: Rig, fault: Fault, random: () => number): Promise<Outcome> {
  const before = Object.fromEntries(NAMES.map(name => [name, rig.holds(name)]));
  await rig.mark();
  const { witness } = rig;
  witness.offences.length = 0;
  witness.clockIsRight = fault.liesAboutTime !== true;
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
    liveAgainMs = await rig.live(performance.now(), 60_000);
    if (liveAgainMs > LIMIT_MS) failures.push(`live again only after ${Math.round(liveAgainMs)} ms`);
  } catch {
    failures.push('not live again within 60 s');
  }
  failures.push(...rig.revive());
  witness.clockIsRight = true;
  if (witness.offences.length > 0)
    failures.push(`${witness.offences.length} frames that no viewer may see, e.g. ${witness.offences[0]}`);
  for (const name of NAMES) failures.push(...(await left(rig, name, before[name]!, fault.moreMb)));
  const { seen, found } = await causes(rig, fault);
  for (const [place, isFound] of Object.entries(found))
    if (isFound === false) failures.push(`its cause is not in the ${place}`);
  failures.push(...repeated(seen));
  if (tidy) {
    await tidy();
    await rig.live(performance.now());
  }
  return {
    fault: fault.name,
    liveAgainMs,
    said: seen.said.filter(said => !said.startsWith('live: The picture is live.')),
    counted: [...seen.counted]
      .filter(([series]) => !NORMAL.test(series))
      .map(([series, count]) => `${short(series)} ${Math.round(10 * count) / 10}`),
    logged: seen.logged
      .filter(({ level }) => level === 'warn' || level === 'error' || level === 'fatal')
      .map(({ from, msg }) => `${from}: ${msg}`),
    found,
    failures,
  };
}

/** Returns the warnings that a service logged more than once: a fault is one line where it begins, and one at its end. */
function repeated({ logged }: Seen): string[] {
  const warnings = logged.filter(({ level }) => level === 'warn');
  const byKind = Map.groupBy(warnings, ({ from, msg }) => `${from}: ${msg.replaceAll(/\d+/g, '…')}`);
  return [...byKind]
    .filter(([, lines]) => lines.length > MOST_LINES)
    .map(([kind, lines]) => `was logged ${lines.length} times: ${kind}`);
}

/** Returns what a service holds more than before, after it has had the time to let go. */
async function left(
  rig: Rig,
  name: ServiceName,
  before: { descriptors: number; anonymousMb: number },
  moreMb = 0,
): Promise<string[]> {
  const over = () => {
    const now = rig.holds(name);
    return [
      now.descriptors > before.descriptors + MORE_DESCRIPTORS &&
        `${name} has ${now.descriptors} descriptors, and had ${before.descriptors}`,
      now.anonymousMb > before.anonymousMb + MORE_MB + moreMb &&
        `${name} has ${Math.round(now.anonymousMb)} MB, and had ${Math.round(before.anonymousMb)}`,
    ].filter(fault => fault !== false);
  };
  try {
    await until(() => over().length === 0, 'the baseline', SETTLE_MS, 200);
    return [];
  } catch {
    return over();
  }
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

function whereFound({ shows }: Fault, { said, counted, logged, earlier }: Seen): Outcome['found'] {
  const is = (pattern: RegExp | undefined, texts: string[]) =>
    pattern && texts.some(text => pattern.test(text));
  return {
    status: is(shows.status, said),
    metric: is(shows.metric, [...counted.keys()]),
    log: is(
      shows.log,
      [...earlier, ...logged].map(({ msg }) => msg),
    ),
  };
}

/** A series without what is the same in all. */
function short(series: string): string {
  return series
    .replace(/^noaa_/, '')
    .replace(/,?service="\w+"/, '')
    .replace('{}', '');
}
