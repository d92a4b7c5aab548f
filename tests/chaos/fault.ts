import { until } from '../support/until.ts';
import type { Rig } from './rig.ts';
import type { Lie, Pace } from './shown-frames.ts';

/** What is done to the chain, and where its cause must show. */
export interface Fault {
  name: string;
  /** Does the harm and undoes it; resolves when it is over, perhaps with what tidies up after the chain was looked at. */
  inject(rig: Rig, random: () => number): Promise<void | (() => Promise<void>)>;
  /** Where its cause must be found; what is left out need not show. */
  shows: { status?: RegExp; metric?: RegExp; log?: RegExp };
  /** What frames may lie about, because the harm changes what they say. */
  lie?: Lie;
  /** How else than usual the clip may run while it lasts. */
  pace?: Pace;
  /** Short enough, and telling enough, for each run of the tests. */
  quick?: true;
  /** Why it can't be done on this machine. */
  missing?(): string | undefined;
}

export const GONE =
  /^disconnected: .* is gone|^stalled: .* is connected but sends no frames|^refusing: There is no picture/;
export const NO_LINK = /^no link to /;

export const between = (random: () => number, least: number, most: number) =>
  least + random() * (most - least);

export function needsRoot(): string | undefined {
  return process.getuid?.() === 0 ? undefined : 'needs root';
}

/** A service has been started, as Prometheus sees it. */
export const started = (name: string) => new RegExp(`process_start_time_seconds\\{service="${name}"`);
/** Frames were lost on the way, or a newer one replaced them. */
export const LOST = {
  status: /^dropped\.(upstream|encoder)$/,
  metric: /frames_(dropped|missed)_total/,
  log: /frames within \d+ s (were lost before they came here|were not encoded)/,
};

/** Makes a clip the first time that it is asked for. */
export async function made(rig: Rig, name: string, make: () => Promise<unknown>): Promise<string> {
  const path = `${rig.folder}/${name}.mp4`;
  if (!rig.made.has(name)) await make();
  rig.made.add(name);
  return path;
}

/** Resolves once pictures of this width are shown. */
export async function shows(rig: Rig, width: number): Promise<void> {
  await until(async () => (await rig.status())?.source.width === width, `a picture of ${width} pixels`);
}
