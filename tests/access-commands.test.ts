/** The commands that add users and make links. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, symlink } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { verifyPassword } from '../apps/visualizer/access/password.ts';
import { readUsers } from '../apps/visualizer/access/users-file.ts';
import { temporaryFolder } from './support/clips.ts';
import { cookieOf, type Guarded, startGuarded } from './support/guarded.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let guarded: Guarded;
before(async () => {
  folder = await temporaryFolder();
  guarded = await startGuarded();
});
after(async () => {
  await guarded[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Runs a command of apps/visualizer/access with this on its standard input. */
async function run(command: 'users' | 'share', args: string[], env: Record<string, string>, input = '') {
  const child = spawn(process.execPath, [`apps/visualizer/access/${command}.ts`, ...args], {
    env: { PATH: process.env['PATH'], ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', text => (output += text));
  child.stdin.on('error', () => {}).end(input);
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

test('a user is added with a hash that nobody else can read, listed, given a new password, and removed', async () => {
  const file = `${folder.path}/users`;
  const users = (args: string[], input?: string) => run('users', args, { USERS_FILE: file }, input);
  assert.deepEqual(await users(['add', 'anna'], 'correct horse\n'), { code: 0, output: 'Added anna\n' });
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal((await stat(`${file}.key`)).mode & 0o777, 0o600);
  const key = await readFile(`${file}.key`, 'utf8');
  const first = (await readUsers('USERS_FILE', file)).get('anna')!;
  assert.match(first, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.equal(await verifyPassword('correct horse', first), true);
  assert.equal(await verifyPassword('correct hors', first), false);

  assert.equal((await users(['add', 'ben@weather'], 'correct horse\n')).code, 0);
  const list = await readUsers('USERS_FILE', file);
  assert.notEqual(list.get('ben@weather'), first, 'the same password has another salt');
  assert.equal((await users(['list'])).output, 'anna\nben@weather\n');
  assert.equal((await users(['password', 'anna'], 'battery staple\n')).code, 0);
  assert.equal(
    await verifyPassword('battery staple', (await readUsers('USERS_FILE', file)).get('anna')!),
    true,
  );
  assert.equal((await users(['remove', 'anna'])).code, 0);
  assert.equal((await users(['list'])).output, 'ben@weather\n');
  assert.equal(await readFile(`${file}.key`, 'utf8'), key, 'the key stays');
});

test('what cannot be is one sentence, and changes nothing', async () => {
  const file = `${folder.path}/strict`;
  const users = (args: string[], input?: string) => run('users', args, { USERS_FILE: file }, input);
  await users(['add', 'anna'], 'correct horse\n');
  const before = await readFile(file, 'utf8');
  for (const [args, input, said] of [
    [['add', 'anna'], 'correct horse\n', /is a user already/],
    [['add', 'ben'], 'short\n', /8 to 512 characters/],
    [['add', 'ben'], '', /no password on standard input/],
    [['add', 'a:b'], 'correct horse\n', /is no name of a user/],
    [['add', 'ben', 'correct horse'], '', /it is no argument/],
    [['remove', 'ben'], '', /there is no user ben/],
    [['promote', 'anna'], '', /^users: Usage/],
  ] as const) {
    const { code, output } = await users([...args], input);
    assert.equal(code, 1);
    assert.match(output, said);
    assert.equal(output.trim().split('\n').length, 1);
  }
  assert.equal(await readFile(file, 'utf8'), before);
  assert.match((await run('users', ['list'], {})).output, /USERS_FILE is not set/);
});

test('a users file that is a link stays one', async () => {
  await run('users', ['add', 'anna'], { USERS_FILE: `${folder.path}/real` }, 'correct horse\n');
  await symlink(`${folder.path}/real`, `${folder.path}/link`);
  await run('users', ['add', 'ben'], { USERS_FILE: `${folder.path}/link` }, 'correct horse\n');
  assert.equal((await readUsers('USERS_FILE', `${folder.path}/real`)).size, 2);
});

test('share prints a link that opens the page, as text and as QR code', async () => {
  const args = ['--for', '2h', '--url', guarded.url];
  const { code, output } = await run('share', args, { USERS_FILE: guarded.usersFile });
  assert.equal(code, 0, output);
  assert.match(output, /^[█▀▄ \n]{400,}\n\nhttp/);
  const [link = ''] = /^http\S+$/m.exec(output) ?? [];
  const answer = await fetch(link);
  assert.equal(answer.status, 200);
  assert.equal((await fetch(`${guarded.url}/status`, { headers: { cookie: cookieOf(answer) } })).status, 200);
  const life = Number(/Max-Age=(\d+)/.exec(answer.headers.get('set-cookie') ?? '')?.[1]);
  assert.ok(life > 7100 && life <= 7200, `${life} s`);
});

test('share refuses a time, an address and a key that cannot be', async () => {
  const env = { USERS_FILE: guarded.usersFile };
  for (const time of ['0m', '2x', '31d', '-1h', '1e9d'])
    assert.match((await run('share', [`--for=${time}`], env)).output, /^share: --for \S+ is no time/);
  assert.match((await run('share', ['--url', 'javascript:x'], env)).output, /is no address of the page/);
  assert.match((await run('share', [], {})).output, /neither USERS_FILE nor ACCESS_KEY_FILE is set/);
});
