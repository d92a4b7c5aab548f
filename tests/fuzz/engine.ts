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
  /** How long one input may take. */
  limitMs: number;
  /** Opens what `run` needs. The function that it returns throws if an input breaks a promise. */
  open(): Promise<{ run(input: Buffer): void | Promise<void> } & AsyncDisposable>;
}

export interface Result {
  executions: number;
  seconds: number;
  coverage: number;
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
export function keepCorpus({ name }: Target, inputs: readonly Buffer[]): void {
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
export async function fuzz(target: Target, seconds: number, random: () => number): Promise<Result> {
  const corpus: Buffer[] = [];
  let executions = 0;
  let failure: Result['failure'];
  const beganMs = performance.now();
  await using opened = await target.open();
  const coverage = await Coverage.start(target.files);
  const tryOne = async (input: Buffer) => {
    executions += 1;
    const startMs = performance.now();
    try {
      await opened.run(input);
      const tookMs = performance.now() - startMs;
      if (tookMs > target.limitMs) throw new Error(`it took ${Math.round(tookMs)} ms`);
    } catch (thrown) {
      // The machine may have been busy with something else.
      if (/^it took/.test((thrown as Error).message) && (await isQuick(opened, input, target.limitMs)))
        return;
      failure ??= { input, error: thrown as Error };
    }
  };
  const learn = async (input: Buffer) => {
    await tryOne(input);
    if (await coverage.add()) corpus.push(input);
  };

  for (const input of [...(await target.seeds()), ...keptCorpus(target)]) await learn(input);
  while (!failure && performance.now() - beganMs < seconds * 1000) {
    const batch = Array.from({ length: BATCH }, () => {
      const parent = corpus[Math.floor(Math.sqrt(random()) * corpus.length)] ?? Buffer.of(0);
      const other = corpus[Math.floor(random() * corpus.length)] ?? Buffer.of(0);
      return mutate(parent, { random, dictionary: target.dictionary, other, maxBytes: target.maxBytes });
    });
    for (const input of batch) if (!failure) await tryOne(input);
    if (failure || !(await coverage.isNew())) continue;
    // Which of them it was, is found out by trying each again.
    for (const input of batch) if (!failure) await learn(input);
  }
  const share = await coverage.stop();
  return { executions, seconds: (performance.now() - beganMs) / 1000, coverage: share, corpus, failure };
}

async function isQuick(
  opened: { run(input: Buffer): void | Promise<void> },
  input: Buffer,
  limitMs: number,
): Promise<boolean> {
  const startMs = performance.now();
  await opened.run(input);
  return performance.now() - startMs <= limitMs;
}
