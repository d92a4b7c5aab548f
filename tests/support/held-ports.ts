/** Holds ports as systemd does, for services that are started with them again and again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface HeldPorts extends AsyncDisposable {
  ports: number[];
  /** Starts a command that gets the listening sockets, and returns its process id. What it writes is in `said`. */
  start(argv: string[], env?: Record<string, string>): Promise<number>;
  said(): string;
}

export async function holdPorts(count = 1): Promise<HeldPorts> {
  const script = fileURLToPath(new URL('hold_ports.py', import.meta.url));
  const child = spawn('/usr/bin/python3', [script, String(count)], {
    stdio: 'pipe',
    cwd: fileURLToPath(new URL('../../', import.meta.url)),
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`the holder of ports has ended: ${said}`);
    return JSON.parse(value);
  };
  const ports: number[] = await line();
  return {
    ports,
    async start(argv, env = {}) {
      child.stdin.write(`${JSON.stringify({ argv, env })}\n`);
      return await line();
    },
    said: () => said,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
    },
  };
}
