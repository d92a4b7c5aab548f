/** Who listens on a TCP port, as the kernel has it (proc(5)). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const LISTEN = '0A';

/** Returns whether a process listens on a port: `alone` if no other socket listens there, on any address. */
export function holdsPort(pid: number, port: number): 'alone' | 'shared' | undefined {
  const own = socketsOf(pid);
  const all = listenersOn(port);
  if (!all.some(socket => own.has(socket))) return undefined;
  return all.every(socket => own.has(socket)) ? 'alone' : 'shared';
}

function listenersOn(port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap(table =>
    readLines(table)
      .map(line => line.trim().split(/\s+/))
      .filter(([, local, , state]) => state === LISTEN && local?.endsWith(suffix))
      .map(fields => `socket:[${fields[9]}]`),
  );
}

/** A kernel without IPv6 has no table of it. */
function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'latin1').split('\n');
  } catch {
    return [];
  }
}

function socketsOf(pid: number): Set<string> {
  try {
    const folder = `/proc/${pid}/fd`;
    return new Set(readdirSync(folder).map(fd => targetOf(`${folder}/${fd}`)));
  } catch {
    // The process has ended.
    return new Set();
  }
}

/** A descriptor may be closed between the listing and this. */
function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}
