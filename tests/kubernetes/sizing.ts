/** What bench/README.md and the pod's units say a service needs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const read = (path: string) => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');

/** Of a clip and its viewers. */
export interface Load {
  framesPerSecond: number;
  mpixelPerFrame: number;
  /** MB/s to viewers or relays. */
  mbPerSecond: number;
}

/** Returns what the formulas of bench/README.md give for all services of an origin together, without the loop. */
export function originNeeds({ framesPerSecond, mpixelPerFrame, mbPerSecond }: Load) {
  const text = read('bench/README.md');
  const number = '(\\d+(?:\\.\\d+)?)';
  const cpu = numbers(
    text,
    `CPU % of one core = ${number} \\+ ${number} × frames/s \\+ ${number} × Mpixel/s \\+ ${number} × Mpixel/s while anyone watches \\+ ${number} × MB/s`,
  );
  const memory = numbers(
    text,
    `memory MB += ${number} \\+ ${number} × Mpixel a frame \\+ ${number} × Mpixel/s`,
  );
  const mpixels = framesPerSecond * mpixelPerFrame;
  const sum = (factors: number[], of: number[]) =>
    factors.reduce((all, each, at) => all + each * (of[at] ?? 0), 0);
  return {
    millicores: 10 * sum(cpu, [1, framesPerSecond, mpixels, mpixels, mbPerSecond]),
    bytes: 1e6 * sum(memory, [1, mpixelPerFrame, mpixels]),
  };
}

/** Returns the memory limit of a service's unit. */
export function unitLimit(service: string): number {
  const [, amount = '', unit = ''] =
    /--memory=(\d+)([mg])/.exec(read(`quadlet/noaa-${service}.container`)) ?? [];
  return Number(amount) * { m: 2 ** 20, g: 2 ** 30 }[unit as 'm' | 'g'];
}

/** Returns a quantity of Kubernetes as a number; of CPU in cores. */
export function quantity(text: string): number {
  const [, amount = '', suffix = ''] = /^(\d+(?:\.\d+)?)(m|k|M|G|Ki|Mi|Gi|)$/.exec(text) ?? [];
  const factor = { '': 1, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 }[suffix];
  if (amount === '' || factor === undefined) throw new Error(`${text} is no quantity`);
  return Number(amount) * factor;
}

function numbers(text: string, pattern: string): number[] {
  const found = new RegExp(pattern).exec(text);
  if (!found) throw new Error(`bench/README.md has no formula ${pattern}`);
  return found.slice(1).map(Number);
}
