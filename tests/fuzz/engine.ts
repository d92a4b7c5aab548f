import { createHash } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Coverage } from './coverage.ts';
import { mutate } from './mutate.ts';

/** Something that takes bytes from outside. */
export interface Target {
  name: string;
  /** The files whose coverage guides the search. */
  files: RegExp;
  seeds(): Buffer[] | Promise<Buffer[]>;
  dictionary: readonly string[];
  maxBytes: number;
  /** Its inputs are made anew each time, because they have private keys in them. */
  isUnkept?: true;
  /** How much of a processor one input may take. */
  limitMs: number;
  /** Inputs that are tried together, because most of their time is waiting. */
  atOnce?: number;
  /** Opens what `run` needs. The function that it returns throws if an input breaks a promise. */
  open(): Promise<{ run(input: Buffer): void | Promise<void> } & AsyncDisposable>;
}

export interface Result {
  executions: number;
  seconds: number;
  coverage: number;
  /** Functions of its files that no input has reached. */
  uncalled: string[];
  corpus: Buffer[];
  /** The input that broke a promise, and how. */
  failure: { input: Buffer; error: Error } | undefined;
}

const CORPUS = fileURLToPath(new URL('./corpus/', import.meta.url));
const FOUND = fileURLToPath(new URL('../../build/fuzz/', import.meta.url));
/** A look at the coverage takes milliseconds. */
const BATCH = 200;

export function keptCorpus({ name }: Target): Buffer[] {
  return globSync(`${CORPUS}${name}/*`)
    .sort()
    .map(path => readFileSync(path));
}

/** Writes the inputs that are kept with the source, instead of those that were. */
export function keepCorpus({ name, isUnkept }: Target, inputs: readonly Buffer[]): void {
  if (isUnkept) return;
  rmSync(`${CORPUS}${name}`, { recursive: true, force: true });
  mkdirSync(`${CORPUS}${name}`, { recursive: true });
  for (const input of inputs) writeFileSync(`${CORPUS}${name}/${nameOf(input)}`, input);
}

/** Writes an input that broke a promise and returns its path. */
export function keepFailure({ name }: Target, input: Buffer): string {
  mkdirSync(`${FOUND}${name}`, { recursive: true });
  const path = `${FOUND}${name}/${nameOf(input)}`;
  writeFileSync(path, input);
  return path;
}

const nameOf = (input: Buffer) => createHash('sha256').update(input).digest('hex').slice(0, 16);

/**
 * Tries changed inputs for a time, and keeps those that run code that none before has run. Ends at the first that breaks a
 * promise.
 */
export async function fuzz(target: Target, limitSeconds: number, random: () => number): Promise<Result> {
  const corpus: Buffer[] = [];
  let executions = 0;
  let failure: Result['failure'];
  const beganMs = performance.now();
  const coverage = await Coverage.start(target.files);
  await using opened = await target.open();
  await coverage.opened();
  const tryOne = async (input: Buffer) => {
    executions += 1;
    try {
      // Of several at once, none has a time of its own.
      const tookMs = await cpuMs(opened, input);
      if (tookMs <= target.limitMs * (target.atOnce ?? 1)) return;
      // A collection may have come in between.
      const againMs = await cpuMs(opened, input);
      if (againMs > target.limitMs) throw new Error(`it took ${Math.round(againMs)} ms of a processor`);
    } catch (thrown) {
      failure ??= { input, error: thrown as Error };
    }
  };
  const learn = async (input: Buffer) => {
    await tryOne(input);
    if (await coverage.add()) corpus.push(input);
  };

  for (const input of [...(await target.seeds()), ...keptCorpus(target)]) await learn(input);
  while (!failure && performance.now() - beganMs < limitSeconds * 1000) {
    const batch = Array.from({ length: BATCH }, () => {
      const parent = corpus[Math.floor(Math.sqrt(random()) * corpus.length)] ?? Buffer.of(0);
      const other = corpus[Math.floor(random() * corpus.length)] ?? Buffer.of(0);
      return mutate(parent, { random, dictionary: target.dictionary, other, maxBytes: target.maxBytes });
    });
    for (let at = 0; at < BATCH && !failure; at += target.atOnce ?? 1)
      await Promise.all(batch.slice(at, at + (target.atOnce ?? 1)).map(tryOne));
    if (failure || !(await coverage.isNew())) continue;
    // Which of them it was, is found out by trying each again.
    for (const input of batch) if (!failure) await learn(input);
  }
  const share = await coverage.stop();
  const seconds = (performance.now() - beganMs) / 1000;
  return { executions, seconds, coverage: share, uncalled: coverage.uncalled(), corpus, failure };
}

/** Returns what a run costs this thread. The machine may be busy with something else, so the time by the clock says nothing. */
async function cpuMs(opened: { run(input: Buffer): void | Promise<void> }, input: Buffer): Promise<number> {
  const before = process.threadCpuUsage();
  await opened.run(input);
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}
