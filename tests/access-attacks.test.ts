/** Who may watch, behind a proxy, and against clients that guess, lie and flood. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Agent, get, type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { basic, cookieOf, type Guarded, PASSWORDS, rawAnswer, startGuarded } from './support/guarded.ts';
import { freePorts } from './support/ports.ts';
import { startService } from './support/services.ts';
import { until } from './support/until.ts';

let guarded: Guarded;
const USER_HEADER = 'X-Forwarded-User';
before(async () => {
  guarded = await startGuarded({
    TRUSTED_PROXIES: '127.0.0.1',
    TRUSTED_USER_HEADER: USER_HEADER,
    MAX_VIEWERS: 4,
    VIEWERS_PER_USER: 3,
    ALLOWED_HOSTS: 'noaa.example.org',
  });
});
after(() => guarded[Symbol.asyncDispose]());

const asText = (env: Record<string, string | number>) =>
  Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)]));
const status = async (headers: Record<string, string>, url = guarded.url) =>
  (await fetch(`${url}/status`, { headers })).status;

describe('behind a sign-in proxy', () => {
  test('the user whom it names may watch, and the client that it names is in the journal', async () => {
    const headers = { [USER_HEADER]: 'Carla@example.org', 'X-Forwarded-For': '203.0.113.9, 198.51.100.7' };
    const viewer = get(`${guarded.url}/stream`, { headers, agent: false });
    const [response] = (await once(viewer, 'response')) as [IncomingMessage];
    await once(response, 'data');
    viewer.destroy();
    const entry = await guarded.service.logged(line => line['by'] === 'proxy');
    // The client itself may have sent the first address.
    assert.deepEqual([entry['user'], entry['address']], ['Carla@example.org', '198.51.100.7']);
  });

  test('no name, two names, and what is no name are not let in', async () => {
    const raw = (lines: string) =>
      rawAnswer(guarded.port, `GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines}Connection: close\r\n\r\n`);
    assert.match(await raw(''), /^HTTP\/1\.1 401/);
    assert.match(await raw(`${USER_HEADER}: anna\r\n${USER_HEADER}: admin\r\n`), /^HTTP\/1\.1 400/);
    assert.match(await raw(`${USER_HEADER}: \r\n`), /^HTTP\/1\.1 400/);
    for (const lookalike of [
      'X_Forwarded_User',
      'X-Forwarded-Users',
      'X-Forwarded-User ',
      'Forwarded-User',
      'Remote-User',
    ])
      assert.match(await raw(`${lookalike}: anna\r\n`), /^HTTP\/1\.1 40[01]/, lookalike);
    assert.match(await raw(`X-Other: a\n${USER_HEADER}: anna\r\n`), /^HTTP\/1\.1 40[01]/);
    assert.match(await raw(`X-Other: a\r${USER_HEADER}: anna\r\n`), /^HTTP\/1\.1 40[01]/);
    assert.match(
      await raw(`Content-Length: 4\r\nContent-Length: 5\r\n${USER_HEADER}: anna\r\n`),
      /^HTTP\/1\.1 400/,
    );
  });

  test('from any other address the header is as if it were not there, and so is the address that it claims', async () => {
    await using direct = await startGuarded({
      TRUSTED_PROXIES: '192.0.2.1, 2001:db8::/32',
      TRUSTED_USER_HEADER: USER_HEADER,
    });
    assert.equal(await status({ [USER_HEADER]: 'anna' }, direct.url), 401);
    assert.equal(await status({ [USER_HEADER]: 'anna', 'X-Forwarded-For': '192.0.2.1' }, direct.url), 401);
    const headers = { ...basic('anna', PASSWORDS['anna']!), 'X-Forwarded-For': '203.0.113.9' };
    const viewer = get(`${direct.url}/stream`, { headers, agent: false });
    const [response] = (await once(viewer, 'response')) as [IncomingMessage];
    await once(response, 'data');
    viewer.destroy();
    const entry = await direct.service.logged(line => line['audit'] === 'viewer');
    assert.equal(entry['address'], '127.0.0.1');
  });

  test('that encrypts for it, the cookie goes back over TLS only', async () => {
    const answer = await guarded.logIn('ben', undefined, { 'X-Forwarded-Proto': 'https' });
    assert.match(answer.headers.get('set-cookie') ?? '', /^__Host-noaa=.*; Secure$/);
  });
});

describe('a client that guesses', () => {
  let from = 0;
  /** A login from an address of its own. */
  const guess = (user: string) => {
    from += 1;
    return guarded.logIn(user, `guess ${from}`, { 'X-Forwarded-For': `203.0.113.${from}` });
  };

  test('learns nothing of who is a user from the time that a login takes', async () => {
    const times: Record<string, number[]> = { ben: [], nob: [] };
    for (let i = 0; i < 8; i += 1) {
      for (const user of ['ben', 'nob']) {
        const beganMs = performance.now();
        const answer = await guess(user === 'nob' ? `nob${i}` : user);
        await answer.text();
        times[user]!.push(performance.now() - beganMs);
        assert.equal(answer.status, 401);
        if (user === 'ben' && i % 3 === 2)
          await guarded.logIn('ben', undefined, { 'X-Forwarded-For': `198.51.100.${i}` });
      }
    }
    // What else the machine does only adds to a time.
    const ratio = Math.min(...times['nob']!) / Math.min(...times['ben']!);
    assert.ok(ratio > 0.5 && ratio < 2, JSON.stringify(times));
  });

  test('10,000 times is slowed down: memory stays as it is, and others log in and watch', async () => {
    const { pid } = guarded.service.process;
    const residentMb = () =>
      Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024;
    const agent = new Agent({ keepAlive: true, maxSockets: 20 });
    const counts: Record<number, number> = {};
    const wrong = (user: string) =>
      new Promise<void>((resolve, reject) => {
        const body = new URLSearchParams({ user, password: `wrong ${Math.random()}` }).toString();
        const headers = {
          'Content-Type': 'application/x-www-form-urlencoded',
          'Content-Length': body.length,
          'X-Forwarded-For': '203.0.113.200',
        };
        const made = request(`${guarded.url}/login`, { method: 'POST', agent, headers }, response => {
          counts[response.statusCode!] = (counts[response.statusCode!] ?? 0) + 1;
          response.resume().once('end', resolve);
        });
        made.once('error', reject).end(body);
      });
    const attack = async (count: number) => {
      for (let i = 0; i < count; i += 100)
        await Promise.all(Array.from({ length: 100 }, (_, k) => wrong(`user${i + k}`)));
    };
    await attack(1000);
    const beforeMb = residentMb();
    await attack(9000);
    agent.destroy();
    // Garbage of 9000 requests may still be there: it is collected every 15 s.
    await until(() => residentMb() < beforeMb + 40, 'memory to be as before', 30_000, 500).catch(() =>
      assert.fail(`${beforeMb.toFixed()} MB before, ${residentMb().toFixed()} after`),
    );
    assert.ok((counts[401] ?? 0) < 100, JSON.stringify(counts));
    assert.equal((counts[401] ?? 0) + (counts[429] ?? 0), 10_000);
    const other = await guarded.logIn('anna', undefined, { 'X-Forwarded-For': '198.51.100.99' });
    assert.equal(other.status, 303);
    // The wait may be over at this moment, or nearly; the next mistake begins a longer one.
    await until(async () => {
      await wrong('somebody');
      const blocked = await guarded.logIn('anna', undefined, { 'X-Forwarded-For': '203.0.113.200' });
      assert.equal(blocked.status, 429);
      return Number(blocked.headers.get('retry-after')) > 1;
    }, 'a wait of more than a second');
  });

  test('nothing of what was sent is in the log', async () => {
    const cookie = cookieOf(await guarded.logIn('anna', undefined, { 'X-Forwarded-For': '198.51.100.98' }));
    assert.equal(await status({ cookie }), 200);
    const log = JSON.stringify(guarded.service.log);
    const key = (await readFile(`${guarded.usersFile}.key`, 'utf8')).trim();
    for (const secret of [
      ...Object.values(PASSWORDS),
      'wrong 0.',
      'guess ',
      cookie.split('=')[1]!,
      key,
      'argon2id',
    ])
      assert.ok(!log.includes(secret), secret);
    const { pid } = guarded.service.process;
    const environment =
      readFileSync(`/proc/${pid}/environ`, 'latin1') + readFileSync(`/proc/${pid}/cmdline`, 'latin1');
    for (const secret of [...Object.values(PASSWORDS), key]) assert.ok(!environment.includes(secret), secret);
  });
});

test('a crash leaves no core dump, which would have keys and passwords in it', async () => {
  await using crashing = await startGuarded();
  crashing.service.process.kill('SIGKILL');
  await crashing.service.ended;
  const main = fileURLToPath(new URL('../apps/visualizer/main.ts', import.meta.url));
  // bash says whether the kernel wrote one, wherever it puts them.
  const child = spawn('bash', ['-c', `ulimit -c "$(ulimit -Hc)"; '${process.execPath}' '${main}'; exit 0`], {
    cwd: crashing.folder,
    env: { PATH: process.env['PATH'], ...asText(crashing.environment) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = text(child.stderr);
  for await (const line of createInterface({ input: child.stdout })) {
    if (!/serving the picture/.test(line)) continue;
    const [node] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'latin1').trim().split(' ');
    process.kill(Number(node), 'SIGABRT');
  }
  assert.match(await said, /Aborted/);
  assert.doesNotMatch(await said, /core dumped/);
  assert.deepEqual(
    readdirSync(crashing.folder).filter(name => name.startsWith('core')),
    [],
  );
});

describe('a client that takes every place', () => {
  const watch = async (user: string, address: string) => {
    const headers = { [USER_HEADER]: user, 'X-Forwarded-For': address };
    const viewer = get(`${guarded.url}/stream`, { headers, agent: false });
    const [response] = (await once(viewer, 'response')) as [IncomingMessage];
    response.on('error', () => {}).resume();
    return response;
  };

  test('has to make room for another, whoever it says it is; a user has no more places than VIEWERS_PER_USER', async () => {
    const greedy: IncomingMessage[] = [];
    for (let i = 0; i < 3; i += 1) greedy.push(await watch('greta', `203.0.113.${i}`));
    const tooMany = await watch('greta', '203.0.113.9');
    assert.equal(tooMany.statusCode, 503);
    const fourth = await watch('hans', '203.0.113.1');
    const fifth = await watch('ida', '203.0.113.1');
    assert.deepEqual([fourth.statusCode, fifth.statusCode], [200, 200]);
    await until(() => greedy[2]!.closed, 'the newest of the many to make room');
    assert.deepEqual([greedy[0]!.closed, greedy[1]!.closed, fourth.closed], [false, false, false]);
    const entry = await guarded.service.logged(line => line['ending'] === 'made room');
    assert.equal(entry['user'], 'greta');
    for (const viewer of [...greedy, fourth, fifth]) viewer.destroy();
  });
});

describe('without a login', () => {
  const LOUD = /^ANYBODY WHO CAN REACH THE PICTURE .* MAY WATCH IT/;

  test('a service for the network says so once, loudly; one for this machine does not', async () => {
    const [port, redactor, other] = (await freePorts(3)) as [number, number, number];
    const common = { REDACTOR_HOST: '127.0.0.1', REDACTOR_PORT: redactor };
    await using open = startService('visualizer', {
      ...common,
      VISUALIZER_HOST: '0.0.0.0',
      VISUALIZER_PORT: port,
    });
    await using own = startService('visualizer', {
      ...common,
      VISUALIZER_PORT: other,
      ALLOWED_HOSTS: 'noaa.example.org',
    });
    for (const service of [open, own])
      await service.logged(line => line.msg.startsWith('serving the picture'));
    const loud = (service: typeof own) =>
      service.log.filter(({ level, msg }) => level === 'warn' && LOUD.test(msg));
    assert.equal(loud(open).length, 1);
    const ask = (name: string) =>
      rawAnswer(other, `GET /livez HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`);
    for (const name of ['localhost', '127.0.0.1:8050', '[::1]']) await ask(name);
    assert.equal(loud(own).length, 0);
    // A proxy or a published port leads to it from elsewhere.
    for (let i = 0; i < 3; i += 1) await ask('noaa.example.org');
    await own.logged(({ msg }) => /as noaa\.example\.org MAY WATCH/.test(msg));
    assert.equal(loud(own).length, 1);
  });
});
