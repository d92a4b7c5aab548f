import { until } from '../support/until.ts';
import type { Rig } from './rig.ts';

/** What is done to the chain, and where its cause must show. */
export interface Fault {
  name: string;
  /** Does the harm and undoes it; resolves when it is over, perhaps with what tidies up after the chain was looked at. */
  inject(rig: Rig, random: () => number): Promise<void | (() => Promise<void>)>;
  /** Where its cause must be found; what is left out need not show. */
  shows: { status?: RegExp; metric?: RegExp; log?: RegExp };
  /** Frames may lie about their order, because the harm changes what they say. */
  liesAboutTime?: true;
  /** Memory that a service may hold besides, once it is over. */
  moreMb?: number;
  /** Short enough, and telling enough, for each run of the tests. */
  quick?: true;
  /** Why it can't be done on this machine. */
  missing?(): string | undefined;
}

export const GONE = /^disconnected: |^stalled: |^refusing: |^no answer/;
export const NO_LINK = /^no link to /;

export const between = (random: () => number, least: number, most: number) =>
  least + random() * (most - least);

export function needsRoot(): string | undefined {
  return process.getuid?.() === 0 ? undefined : 'needs root';
}

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
