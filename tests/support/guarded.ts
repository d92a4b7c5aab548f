/** A visualizer that asks who its viewers are. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { hashPassword } from '../../apps/visualizer/access/password.ts';
import { readOrMakeKey, Tokens } from '../../apps/visualizer/access/tokens.ts';
import { writeUsers } from '../../apps/visualizer/access/users-file.ts';
import { temporaryFolder } from './clips.ts';
import { freePorts } from './ports.ts';
import { startService } from './services.ts';

export const PASSWORDS: Record<string, string> = { anna: 'correct horse', ben: 'battery staple' };
const hashes = Promise.all(
  Object.entries(PASSWORDS).map(async ([name, password]) => [name, await hashPassword(password)] as const),
).then(entries => new Map(entries));

export type Guarded = Awaited<ReturnType<typeof startGuarded>>;

/** Starts a visualizer alone, with users anna and ben. It has no redactor, and shows the card. */
export async function startGuarded(more: Record<string, string | number> = {}) {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const [port, redactor] = (await freePorts(2)) as [number, number];
  const usersFile = `${folder.path}/users`;
  await writeUsers(usersFile, await hashes);
  const key = await readOrMakeKey('ACCESS_KEY_FILE', `${usersFile}.key`);
  const environment = {
    VISUALIZER_PORT: port,
    REDACTOR_HOST: '127.0.0.1',
    REDACTOR_PORT: redactor,
    USERS_FILE: usersFile,
    ...more,
  };
  const service = stack.use(startService('visualizer', environment));
  await service.logged(line => line.msg.startsWith('serving the picture'));
  const kept = stack.move();
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    folder: folder.path,
    usersFile,
    service,
    environment,
    tokens: new Tokens(key),
    /** Rewrites the users file with only these users. */
    keepOnly: async (...names: string[]) =>
      await writeUsers(usersFile, new Map([...(await hashes)].filter(([name]) => names.includes(name)))),
    logIn: (user: string, password = PASSWORDS[user]!, headers: Record<string, string> = {}) =>
      fetch(`${url}/login`, {
        method: 'POST',
        redirect: 'manual',
        headers,
        body: new URLSearchParams({ user, password }),
      }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Returns the cookie that an answer sets, as a browser would send it back. */
export function cookieOf(answer: Response): string {
  return answer.headers.get('set-cookie')?.split(';')[0] ?? '';
}

/** Sends a request as it is, and returns the whole answer; the request has to end the connection. */
export async function rawAnswer(port: number, text: string, host = '127.0.0.1'): Promise<string> {
  const socket = connect({ port, host });
  let said = '';
  socket
    .on('error', () => {})
    .on('data', bytes => {
      said += bytes.toString('latin1');
    });
  socket.write(text);
  await once(socket, 'close', { signal: AbortSignal.timeout(10_000) });
  return said;
}

export const basic = (user: string, password: string) => ({
  Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});
