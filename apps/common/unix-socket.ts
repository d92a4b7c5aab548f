import { once } from 'node:events';
import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { onAbort } from './abort.ts';
import { asError, Fault } from './errors.ts';
import type { WebServer } from './http.ts';

/**
 * Listens on a Unix socket until `signal` is aborted. Only this user and root can connect, and only those who see the
 * same file system: a container that shares the network does not.
 *
 * A socket that nobody listens on any more, as a process that was killed leaves it, is replaced.
 *
 * @throws Fault `cannot-listen`
 */
export async function listenOnSocket(
  server: WebServer,
  { path, variable }: { path: string; variable: string },
  signal: AbortSignal,
): Promise<void> {
  try {
    await listenAt(server, path).catch(async thrown => {
      if (asError(thrown).code !== 'EADDRINUSE' || !(await isAbandoned(path))) throw thrown;
      await unlink(path);
      await listenAt(server, path);
    });
  } catch (thrown) {
    throw cannotListen(variable, path, thrown);
  }
  onAbort(signal, () => {
    server.close();
    server.closeAllConnections();
  });
}

async function listenAt(server: WebServer, path: string): Promise<void> {
  const listening = once(server, 'listening');
  // The file has the rights that the mask leaves, from its first moment on.
  const mask = process.umask(0o177);
  try {
    server.listen({ path });
  } finally {
    process.umask(mask);
  }
  await listening;
}

/** Returns whether a path is a socket that nobody listens on. */
async function isAbandoned(path: string): Promise<boolean> {
  if (!(await lstat(path)).isSocket()) return false;
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return false;
  } catch (thrown) {
    return asError(thrown).code === 'ECONNREFUSED';
  } finally {
    socket.destroy();
  }
}

function cannotListen(variable: string, path: string, thrown: unknown): Fault {
  const error = asError(thrown);
  const why: Record<string, string> = {
    EADDRINUSE: 'is already taken; set it to a path of its own, or end what listens there',
    // libuv says so of a folder that does not exist, too.
    EACCES: 'cannot be made; set it to a path in a folder that exists and that this user may write to',
    EROFS: 'is on a read-only file system; set it to a path in a folder that can be written to',
    EINVAL: 'is too long for a socket; set it to a path of at most 107 bytes',
  };
  const { code = '', message } = error;
  return new Fault(
    'cannot-listen',
    `${variable}=${JSON.stringify(path)} ${why[code] ?? `fails: ${message}`}`,
    {
      cause: error,
    },
  );
}
