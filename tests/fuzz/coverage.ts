import type { Profiler } from 'node:inspector';
import { Session } from 'node:inspector/promises';

/** Every function of every file, from before the first count. */
let known: Profiler.ScriptCoverage[] | undefined;

/** What of some source files was run, by V8's own count. */
export class Coverage {
  readonly #session: Session;
  readonly #files: RegExp;
  /** For each file, 1 where a byte of it was run. */
  readonly #ran = new Map<string, Uint8Array>();
  /** For each file, 1 where a byte of it is in a function that nothing but an input has called. */
  readonly #inFunctions = new Map<string, Uint8Array>();
  /** Where each function begins. */
  readonly #begins: { url: string; name: string; at: number }[] = [];

  private constructor(session: Session, files: RegExp) {
    this.#session = session;
    this.#files = files;
  }

  /** @param files what the URL of a file has to match */
  static async start(files: RegExp): Promise<Coverage> {
    const session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    // Looks of precise coverage report only functions that were called.
    known ??= (await session.post('Profiler.getBestEffortCoverage')).result;
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    const coverage = new Coverage(session, files);
    for (const { url, functions } of known) if (coverage.#isWanted(url)) coverage.#note(url, functions);
    return coverage;
  }

  #isWanted(url: string): boolean {
    return this.#files.test(url) && !url.includes('.test.');
  }

  #note(url: string, functions: readonly Profiler.FunctionCoverage[]): void {
    const all = functions.map(({ ranges }) => ranges[0]!);
    const within = new Uint8Array(Math.max(...all.map(({ endOffset }) => endOffset)));
    const isCalled = ({ ranges }: Profiler.FunctionCoverage) => ranges[0]!.count > 0;
    // The first is the file itself. Inner functions come after the ones around them.
    for (const each of functions.slice(1)) {
      const { startOffset, endOffset } = each.ranges[0]!;
      within.fill(isCalled(each) ? 0 : 1, startOffset, endOffset);
      if (!isCalled(each)) this.#begins.push({ url, name: each.functionName, at: startOffset });
    }
    this.#inFunctions.set(url, within);
  }

  /** Leaves out what has run until now, when the target was opened. */
  async opened(): Promise<void> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    for (const { url, functions } of result) {
      const within = this.#inFunctions.get(url);
      for (const { ranges } of functions.slice(1)) {
        for (const { startOffset, endOffset, count } of ranges)
          if (count > 0) within?.fill(0, startOffset, endOffset);
      }
    }
  }

  /** Returns whether code was run since the last look that is not known to have been run, and forgets it. */
  async isNew(): Promise<boolean> {
    for (const [url, now] of await this.#take()) {
      const before = this.#ran.get(url);
      if (now.some((byte, at) => byte && !before?.[at])) return true;
    }
    return false;
  }

  /** Adds what was run since the last look; returns whether any of it is new. */
  async add(): Promise<boolean> {
    let isNew = false;
    for (const [url, now] of await this.#take()) {
      const known = this.#ran.get(url);
      const before = new Uint8Array(Math.max(now.length, known?.length ?? 0));
      if (known) before.set(known);
      for (const [at, byte] of now.entries()) {
        if (!byte || before[at]) continue;
        before[at] = 1;
        isNew = true;
      }
      this.#ran.set(url, before);
    }
    return isNew;
  }

  /** V8 counts from zero again after each look. */
  async #take(): Promise<Map<string, Uint8Array>> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    const files = new Map<string, Uint8Array>();
    for (const { url, functions } of result) {
      if (!this.#isWanted(url)) continue;
      const blocks = functions.flatMap(({ ranges }) => ranges);
      const now = new Uint8Array(Math.max(...blocks.map(({ endOffset }) => endOffset)));
      // Inner blocks come after the ones around them, and say more exactly what ran.
      for (const { startOffset, endOffset, count } of blocks)
        now.fill(count > 0 ? 1 : 0, startOffset, endOffset);
      files.set(url, now);
    }
    return files;
  }

  /** Returns the functions that were never called, as `file: name`; those without a name are left out. */
  uncalled(): string[] {
    return this.#begins
      .filter(({ url, name, at }) => {
        return name !== '' && !this.#ran.get(url)?.[at] && this.#inFunctions.get(url)![at];
      })
      .map(({ url, name }) => `${url.replace(/.*\/apps\//, 'apps/')}: ${name}`);
  }

  #share(): number {
    let [ran, all] = [0, 0];
    for (const [url, within] of this.#inFunctions) {
      const file = this.#ran.get(url);
      for (const [at, byte] of within.entries()) {
        all += byte;
        ran += byte & (file?.[at] ?? 0);
      }
    }
    return all === 0 ? 0 : ran / all;
  }

  /** Ends the count, and returns the part of the files' functions that was run, 0 to 1. */
  async stop(): Promise<number> {
    await this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
    return this.#share();
  }
}
