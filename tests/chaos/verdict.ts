import type { ServiceName } from '../support/services.ts';
import type { Fault } from './fault.ts';
import type { Seen } from './rig.ts';

/** Live again by itself within this time of the fault's end. */
export const LIMIT_MS = 5000;
/** Descriptors and memory that may be more than before the fault: V8's young objects, and connections that just end. */
const MORE = { descriptors: 2, anonymousMb: 24 };
/** A fault is one line where it begins, and one more if a restarted service sees it too. Once it was quiet for 5 s, it is another. */
const WARNINGS = { most: 2, withinMs: 5000 };
/** Of one kind, and of one service: what is said with every frame is hundreds. */
const MOST_LINES = { ofKind: 12, inAll: 80 };

/** What a service holds. */
export interface Held {
  descriptors: number;
  anonymousMb: number;
}

export type Place = 'status' | 'metric' | 'log';

/** @param waitedMs how long a service meanwhile waited for a processor, which is the machine's fault and not ours */
export function tooLate(liveAgainMs: number, waitedMs = 0): string[] {
  if (liveAgainMs <= LIMIT_MS) return [];
  const waited = waitedMs > 0 ? `, in which a service waited ${Math.round(waitedMs)} ms for a processor` : '';
  return [`live again only after ${Math.round(liveAgainMs)} ms${waited}`];
}

/** Returns what a service holds more than before, in words. */
export function leftOver(name: ServiceName, before: Held, now: Held): string[] {
  const [had, has] = [before, now].map(({ anonymousMb }) => Math.round(anonymousMb));
  return [
    now.descriptors > before.descriptors + MORE.descriptors &&
      `${name} has ${now.descriptors} descriptors, and had ${before.descriptors}`,
    now.anonymousMb > before.anonymousMb + MORE.anonymousMb && `${name} has ${has} MB, and had ${had}`,
  ].filter(fault => fault !== false);
}

/** Returns where the cause of a fault was found; undefined where it need not be. */
export function whereFound(
  { shows }: Pick<Fault, 'shows'>,
  { said, statusGrew, counted, logged, goingOn }: Seen,
): Record<Place, boolean | undefined> {
  const is = (pattern: RegExp | undefined, texts: Iterable<string>) =>
    pattern && [...texts].some(text => pattern.test(text));
  return {
    status: is(shows.status, [...said, ...statusGrew]),
    metric: is(shows.metric, counted.keys()),
    log: is(
      shows.log,
      // The end of an episode that began with the fault before.
      [...logged, ...goingOn].filter(({ msg }) => !msg.startsWith('over after ')).map(({ msg }) => msg),
    ),
  };
}

export function notFound(found: ReturnType<typeof whereFound>): string[] {
  return Object.entries(found).flatMap(([place, isFound]) =>
    isFound === false ? [`its cause is not in the ${place}`] : [],
  );
}

/** Returns what was logged more often than once, in words. */
export function repeated({ logged }: Pick<Seen, 'logged'>): string[] {
  const byKind = Map.groupBy(logged, ({ from, msg }) => `${from}: ${msg.replaceAll(/\d+/g, '…')}`);
  const kinds = [...byKind].flatMap(([kind, lines]) => {
    const times = lines.filter(({ level }) => isFault(level)).map(({ time }) => Number(time));
    const isHasty = times.some((at, i) => at - times[i - WARNINGS.most]! < WARNINGS.withinMs);
    return isHasty || lines.length > MOST_LINES.ofKind ? [`was logged ${lines.length} times: ${kind}`] : [];
  });
  const services = [...Map.groupBy(logged, ({ from }) => from)].flatMap(([from, lines]) =>
    lines.length > MOST_LINES.inAll
      ? [`${from} logged ${lines.length} lines, e.g. ${lines.at(-1)!.msg}`]
      : [],
  );
  return [...kinds, ...services];
}

export function isFault(level: string): boolean {
  return level === 'warn' || level === 'error' || level === 'fatal';
}
