/** `npm start` as an operator types it, in a process group of its own, as a terminal runs it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { commandOf, membersOf } from './processes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export type Environment = Record<string, string | number | undefined>;

export function npmStart(environment: Environment) {
  return shell('exec npm start', environment);
}

/** Runs a line of shell. What still runs when the test ends is killed. */
export function shell(line: string, environment: Environment) {
  const variables = Object.entries(environment).map(([name, value]) => [name, String(value)]);
  const child = spawn('sh', ['-c', line], {
    cwd: root,
    env: { ...process.env, ...Object.fromEntries(variables) },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const pid = child.pid as number;
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', text => {
      lines.push(text);
      for (const check of waiting) check();
    });
  }
  const ended = once(child, 'close').then(([code]) => code as number);
  return {
    pid,
    lines,
    ended,
    /** Resolves to the first line that fits, past or to come. */
    said: (pattern: RegExp) =>
      new Promise<string>((resolve, reject) => {
        const check = () => {
          const found = lines.find(candidate => pattern.test(candidate));
          if (found !== undefined) resolve(found);
        };
        waiting.add(check);
        check();
        void ended.then(code => reject(new Error(`it ended with ${code}:\n${lines.join('\n')}`)));
      }),
    /** Signals the whole group, as Ctrl-C in a terminal does. */
    interrupt: () => process.kill(-pid, 'SIGINT'),
    closeOutput() {
      child.stdout.destroy();
      child.stderr.destroy();
    },
    /** Returns every process of it that lives, or those whose command line has a text. */
    processes: (command = '') => membersOf(pid).filter(member => commandOf(member).includes(command)),
    [Symbol.asyncDispose]: async () => {
      if (membersOf(pid).length > 0) process.kill(-pid, 'SIGKILL');
      await ended;
    },
  };
}
