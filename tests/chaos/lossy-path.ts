/** A network namespace that packets reach late, or not at all. Delay and loss are a program's own: not every kernel has netem. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { PYTHON } from '../python/interpreter.ts';
import { until } from '../support/until.ts';

const SCRIPT = new URL('lossy_path.py', import.meta.url).pathname;
const NEAR = '10.209.0.1';
const FAR = '10.209.0.2';

export interface LossyPath extends AsyncDisposable {
  /** The address on this side, and the one in the namespace. */
  near: string;
  far: string;
  /** The words that start a command in the namespace. */
  enter: string[];
  /** Has packets take this long each way, and loses this share of them; 1 cuts the path without a word to either side. */
  set(delayMs: number, loss: number): void;
}

async function open(seed: number): Promise<LossyPath> {
  const holder = spawn('unshare', ['-n', 'sleep', '600'], { stdio: 'ignore' });
  const pid = String(holder.pid);
  await until(() => networkOf(pid) !== networkOf('self'), 'a network namespace');
  await using stack = new AsyncDisposableStack();
  stack.defer(() => end(holder));
  const path = spawn(PYTHON, [SCRIPT, pid, NEAR, FAR, String(seed)], { stdio: ['pipe', 'pipe', 'inherit'] });
  stack.defer(() => end(path));
  const [said] = await Promise.race([once(path.stdout, 'data'), once(path, 'exit')]);
  if (String(said).trim() !== 'up') throw new Error(`the path did not come up: ${said}`);
  const both = stack.move();
  return {
    near: NEAR,
    far: FAR,
    enter: ['nsenter', '-t', pid, '-n'],
    set: (delayMs, loss) => void path.stdin.write(`${delayMs} ${loss}\n`),
    [Symbol.asyncDispose]: () => both.disposeAsync(),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

const networkOf = (pid: string) => {
  const { stdout } = spawnSync('readlink', [`/proc/${pid}/ns/net`], { encoding: 'utf8' });
  return stdout.trim();
};

export const lossyPath = {
  open,
  missing(): string | undefined {
    if (process.getuid?.() !== 0) return 'needs root';
    if (!existsSync('/dev/net/tun')) return 'needs /dev/net/tun';
    return process.env['CHAOS_NETWORK'] === 'own' ? undefined : 'needs a network namespace of its own';
  },
};
