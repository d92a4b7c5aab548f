/** Who may watch: users, sessions, links, and what gets past none of them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { after, before, describe, test } from 'node:test';
import type { Logger } from '../apps/common/log.ts';
import { EndedSessions } from '../apps/visualizer/access/ended-sessions.ts';
import { operatorToken } from '../apps/visualizer/access/operator-token.ts';
import { newId, nowSeconds, randomKey, Tokens } from '../apps/visualizer/access/tokens.ts';
import { makeClip } from './support/clips.ts';
import { basic, cookieOf, type Guarded, PASSWORDS, rawAnswer, startGuarded } from './support/guarded.ts';
import { type LogLine, startChain, startService } from './support/services.ts';
import { until } from './support/until.ts';

const METRICS_TOKEN = 'metrics-token-of-the-test';
let guarded: Guarded;
let halfSent: Promise<string>;
before(async () => {
  guarded = await startGuarded();
  const form = 'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 50\r\n\r\nuser=anna';
  halfSent = rawAnswer(guarded.port, `POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\n${form}`);
});
after(() => guarded[Symbol.asyncDispose]());

const ask = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${guarded.url}${path}`, { headers, redirect: 'manual' });
const statusWith = async (cookie: string) => (await ask('/status', { cookie })).status;
const PAGE_HEADERS = { Accept: 'text/html,application/xhtml+xml', 'User-Agent': 'Mozilla/5.0' };

/** Opens a stream, and returns its response, which is read to nowhere. */
async function watch(path: string, headers: Record<string, string>): Promise<IncomingMessage> {
  const [response] = (await once(get(`${guarded.url}${path}`, { headers, agent: false }), 'response')) as [
    IncomingMessage,
  ];
  assert.equal(response.statusCode, 200);
  response.on('error', () => {}).resume();
  return response;
}
const closed = (response: IncomingMessage) => until(() => response.closed, 'the stream to be closed', 5000);

describe('without a login', () => {
  for (const path of [
    '/',
    '/stream',
    '/stream.mjpg',
    '/snapshot.jpg',
    '/loop',
    '/loop/1.jpg',
    '/status',
    '/metrics',
    '/healthz',
    '/script/main.js',
    '/script/style.css',
    '/favicon.svg',
    '/nothing',
    '/logout',
  ]) {
    test(`${path} answers 401`, async () => {
      const answer = await ask(path);
      assert.equal(answer.status, 401);
      assert.match(
        answer.headers.get('www-authenticate') ?? '',
        path === '/metrics' ? /^(Basic|Bearer)/ : /^Basic realm=/,
      );
      assert.equal(answer.headers.get('cache-control'), 'no-store');
      await answer.text();
    });
  }

  test('whether it lives and is ready, and the login page, are for everybody', async () => {
    assert.equal((await ask('/livez')).status, 200);
    assert.equal((await ask('/readyz')).status, 503);
    const page = await ask('/login');
    assert.equal(page.status, 200);
    assert.match(await page.text(), /autocomplete="current-password"/);
    assert.match((await ask('/login.css')).headers.get('content-type') ?? '', /^text\/css/);
  });

  test('a browser is shown the login page in place of any page, and no window of its own', async () => {
    const answer = await ask('/?x=1', PAGE_HEADERS);
    assert.equal(answer.status, 401);
    assert.doesNotMatch(answer.headers.get('www-authenticate') ?? '', /basic/i);
    const html = await answer.text();
    assert.match(html, /<form method="post" action="login">/);
    assert.match(html, /name="to" value="\?x=1"/);
    assert.doesNotMatch(html, /<script|style=/);
    assert.match(
      answer.headers.get('content-security-policy') ?? '',
      /default-src 'none'.*form-action 'self'/,
    );
    const script = await ask('/stream', { 'User-Agent': 'Mozilla/5.0', Accept: 'text/event-stream' });
    assert.doesNotMatch(script.headers.get('www-authenticate') ?? '', /basic/i);
  });

  const tricks = [
    '//livez',
    '/livez/',
    '/livez/../status',
    '/livez/..;/status',
    '/livez;/status',
    '/LIVEZ',
    '/%6civez',
    '/livez%2f..%2fstatus',
    '/livez?/../status',
    '/livez#/status',
    '/login/../status',
    '/login%00/status',
    '/login.css/../status',
    '/./status',
    '//status',
    '/%73tatus',
    '/STATUS',
    '/status/',
    '/status?x=/livez',
    '/status%23/livez',
    '/loop/..%2fstatus',
    'http://127.0.0.1/livez',
    'http://127.0.0.1/status',
    'http://livez/status',
    '*',
    'livez',
    '/\\livez',
    '/status%20',
    '/readyz/../snapshot.jpg',
  ];
  for (const target of tricks) {
    test(`the target ${target} gets nothing`, async () => {
      const said = await rawAnswer(
        guarded.port,
        `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`,
      );
      // A 404 would come from behind the guard.
      assert.match(said, /^HTTP\/1\.1 (400|401|421) /, said.slice(0, 200));
      assert.doesNotMatch(said, /"viewers"|"service"/);
    });
  }

  for (const method of ['HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']) {
    test(`${method} of /status gets nothing`, async () => {
      const said = await rawAnswer(
        guarded.port,
        `${method} /status HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`,
      );
      assert.match(said, /^HTTP\/1\.1 40[015] /, said.slice(0, 200));
    });
  }

  test('a request that is hidden in the body of a login is never answered', async () => {
    const hidden = 'GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
    const said = await rawAnswer(
      guarded.port,
      `POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n` +
        `Connection: close\r\n\r\na=b${hidden}`,
    );
    assert.equal(said.match(/HTTP\/1\.1 /g)?.length, 1);
    const both = await rawAnswer(
      guarded.port,
      `POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
    );
    assert.match(both, /^HTTP\/1\.1 4/);
    assert.equal(both.match(/HTTP\/1\.1 /g)?.length, 1);
  });
});

describe('a login', () => {
  test('sets a cookie that scripts and other sites cannot use, and leads on', async () => {
    const answer = await guarded.logIn('anna');
    assert.equal(answer.status, 303);
    assert.equal(answer.headers.get('location'), './');
    assert.match(
      answer.headers.get('set-cookie') ?? '',
      /^noaa=[\w.-]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/,
    );
    const page = await ask('/', { cookie: cookieOf(answer) });
    assert.equal(page.status, 200);
    assert.match(await page.text(), /<canvas/);
  });

  test('leads to no other site', async () => {
    for (const to of [
      '//evil.example',
      'https://evil.example',
      '/\\evil.example',
      'javascript:alert(1)',
      '\\\\evil.example',
    ]) {
      const body = new URLSearchParams({ user: 'anna', password: PASSWORDS['anna']!, to });
      const answer = await fetch(`${guarded.url}/login`, { method: 'POST', redirect: 'manual', body });
      assert.equal(answer.headers.get('location'), './', to);
    }
  });

  test('takes a new session each time, and ends the one that it replaces', async () => {
    const first = cookieOf(await guarded.logIn('anna'));
    const second = cookieOf(await guarded.logIn('anna', undefined, { cookie: first }));
    assert.notEqual(first, second);
    assert.equal(await statusWith(second), 200);
    assert.equal(await statusWith(first), 401);
  });

  test('takes no session that it is handed', async () => {
    const planted = 'noaa=planted-by-somebody';
    const answer = await guarded.logIn('anna', undefined, { cookie: planted });
    assert.notEqual(cookieOf(answer), planted);
    assert.equal(await statusWith(planted), 401);
  });

  test('from a form on another site is refused', async () => {
    for (const headers of [
      { Origin: 'https://evil.example' },
      { 'Sec-Fetch-Site': 'cross-site' },
      { Origin: 'null' },
    ]) {
      const answer = await guarded.logIn('anna', undefined, headers as Record<string, string>);
      assert.equal(answer.status, 403);
      assert.equal(answer.headers.get('set-cookie'), null);
    }
    const own = await guarded.logIn('anna', undefined, { Origin: guarded.url });
    assert.equal(own.status, 303);
  });

  test('with a wrong password says the same of a user who is there and of one who is not', async () => {
    const texts = [];
    for (const user of ['ben', 'nob']) {
      const answer = await guarded.logIn(user, 'wrong password');
      assert.equal(answer.status, 401);
      texts.push((await answer.text()).replaceAll(user, 'USER'));
    }
    assert.equal(texts[0], texts[1]);
    assert.match(texts[0]!, /role="alert">User or password is wrong\./);
  });

  test('shows what was typed as text, never as markup', async () => {
    const html = await (await guarded.logIn('"><script>alert(1)</script>', 'wrong password')).text();
    assert.doesNotMatch(html, /<script/);
  });
});

test('a cookie that was logged out is refused for good', async () => {
  const cookie = cookieOf(await guarded.logIn('ben'));
  const stream = await watch('/stream', { cookie });
  const elsewhere = await fetch(`${guarded.url}/logout`, {
    method: 'POST',
    headers: { cookie, Origin: 'https://evil.example' },
  });
  assert.equal(elsewhere.status, 403);
  assert.equal(await statusWith(cookie), 200);
  const answer = await fetch(`${guarded.url}/logout`, { method: 'POST', headers: { cookie } });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('set-cookie') ?? '', /^noaa=; .*Max-Age=0/);
  assert.equal(await statusWith(cookie), 401);
  await closed(stream);
});

test('after a restart a cookie that was logged out stays refused, and the others are valid', async () => {
  await using first = await startGuarded();
  const [out, stays] = [cookieOf(await first.logIn('ben')), cookieOf(await first.logIn('anna'))];
  const byLink = first.tokens.sign('link', { expires: nowSeconds() + 60, id: newId() });
  const guest = cookieOf(await fetch(`${first.url}/login?link=${byLink}`));
  for (const cookie of [out, guest])
    await fetch(`${first.url}/logout`, { method: 'POST', headers: { cookie } });
  const restart = async (file = '') => {
    const again = startService('visualizer', { ...first.environment, ENDED_SESSIONS_FILE: file });
    await again.logged(line => line.msg.startsWith('serving the picture'));
    return again;
  };
  const statuses = async () =>
    await Promise.all(
      [out, guest, stays].map(
        async cookie => (await fetch(`${first.url}/status`, { headers: { cookie } })).status,
      ),
    );
  first.service.process.kill('SIGKILL');
  await first.service.ended;
  {
    const elsewhere = `${first.folder}/elsewhere`;
    await rename(`${first.folder}/ended-sessions`, elsewhere);
    await using _again = await restart(elsewhere);
    assert.deepEqual(await statuses(), [401, 401, 200]);
    assert.equal((await stat(elsewhere)).mode & 0o777, 0o600);
  }
  // Where they cannot be kept, no login outlives a restart. A link does, and so does its session: the link would open another.
  await mkdir(`${first.folder}/ended-sessions`);
  await using last = await restart();
  assert.deepEqual(await statuses(), [401, 200, 401]);
  assert.equal((await fetch(`${first.url}/login?link=${byLink}`)).status, 200);
  const told = last.log.filter(({ msg }) => /ended-sessions cannot be written \(EISDIR\)/.test(msg));
  assert.equal(told.length, 1);
});

test('what is kept of logouts is bounded, in memory and in the file', async () => {
  const path = `${guarded.folder}/kept`;
  const log = { info: assert.fail, error: assert.fail } as unknown as Logger;
  const idOf = (n: number) => String(n).padStart(16, '0');
  const later = nowSeconds() + 3600;
  const lines = Array.from({ length: 30_000 }, (_, n) => `${later} ${idOf(n)}\n`);
  await writeFile(path, `${nowSeconds() - 1} ${idOf(99_999)}\nnonsense\n${lines.join('')}${later} cut-sh`);
  const ended = await EndedSessions.open(path, log);
  assert.deepEqual(
    [19_999, 20_000, 29_999, 99_999].map(n => ended.has(idOf(n))),
    [false, true, true, false],
  );
  const kept = (await stat(path)).size;
  assert.equal(kept, 10_000 * lines[0]!.length);
  for (let n = 40_000; n < 40_100; n += 1) void ended.add(idOf(n), later);
  await ended.add(idOf(40_100), later);
  assert.equal((await stat(path)).size, kept + 101 * lines[0]!.length);
  const again = await EndedSessions.open(path, log);
  assert.deepEqual([again.has(idOf(40_050)), again.has(idOf(20_050))], [true, false]);
});

test('a cookie of the same name that another page has set keeps nobody out, and outlives no logout', async () => {
  const [own, tossed] = [cookieOf(await guarded.logIn('anna')), cookieOf(await guarded.logIn('ben'))];
  for (const cookie of [`noaa=x; ${own}`, `${own}; noaa=x`, `noaa=; noaa=a=b; ${own}`])
    assert.equal(await statusWith(cookie), 200, cookie);
  assert.equal(await statusWith(`noaa=x; xnoaa=${own.slice('noaa='.length)}`), 401);
  await fetch(`${guarded.url}/logout`, { method: 'POST', headers: { cookie: `${tossed}; ${own}` } });
  assert.deepEqual([await statusWith(own), await statusWith(tossed)], [401, 401]);
});

test('a forged cookie is refused, whatever part of it was changed', async () => {
  const cookie = cookieOf(await guarded.logIn('anna')).slice('noaa='.length);
  const [body = '', mac = ''] = cookie.split('.');
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
  const asBen = Buffer.from(JSON.stringify({ ...claims, user: 'ben' })).toString('base64url');
  const later = Buffer.from(JSON.stringify({ ...claims, expires: claims.expires + 1 })).toString('base64url');
  const stranger = new Tokens(randomKey()).sign('session', claims);
  const { tokens } = guarded;
  const link = tokens.sign('link', { expires: nowSeconds() + 60, id: newId() });
  const expired = tokens.sign('session', { ...claims, expires: nowSeconds() - 1 });
  const noPrint = tokens.sign('session', { expires: claims.expires, id: newId(), user: 'anna' });
  const forged = [
    `${asBen}.${mac}`,
    `${later}.${mac}`,
    `${body}.`,
    body,
    `${body}.${'A'.repeat(22)}`,
    stranger,
    link,
    expired,
    noPrint,
    `${cookie}x`,
    `${body}=.${mac}`,
    `${body}.${mac.slice(0, -1)}${mac.endsWith('A') ? 'B' : 'A'}`,
    '',
  ];
  for (const value of forged) assert.equal(await statusWith(`noaa=${value}`), 401, value);
  assert.equal(await statusWith(`noaa=${cookie}`), 200);
});

test('a player logs in with HTTP Basic, and only its first request waits for the hash', async () => {
  const headers = basic('anna', PASSWORDS['anna']!);
  assert.equal((await ask('/status', headers)).status, 200);
  const beganMs = performance.now();
  for (let i = 0; i < 50; i += 1) assert.equal((await ask('/status', headers)).status, 200);
  const eachMs = (performance.now() - beganMs) / 50;
  assert.ok(eachMs < 15, `${eachMs.toFixed(1)} ms each`);
  for (const wrong of [
    basic('anna', 'wrong password'),
    { Authorization: 'Basic !' },
    { Authorization: 'Basic YW5uYQ==' },
  ])
    assert.equal((await ask('/status', wrong)).status, 401);
});

test('pictures of the loop are for the viewer alone, and not for a cache on the way', async () => {
  const clip = await makeClip(`${guarded.folder}/clip.mp4`, { seconds: 1 });
  await using chain = await startChain({ DATA_FILE: clip, USERS_FILE: guarded.usersFile });
  const headers = basic('anna', PASSWORDS['anna']!);
  const first = await until(async () => {
    const answer = await fetch(`${chain.web}/loop`, { headers });
    const { frames } = (await answer.json()) as { frames: { id: string }[] };
    return frames[0];
  }, 'a picture in the loop');
  const picture = `${chain.web}/loop/${first.id}.jpg`;
  const answer = await fetch(picture, { headers });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('cache-control'), 'private, max-age=31536000, immutable');
  assert.equal((await fetch(picture)).status, 401);
});

test('a login of which only half comes gets one answer, that it did not arrive in time', async () => {
  const said = await halfSent;
  assert.match(said, /^HTTP\/1\.1 408 .*in time; send it whole, at once\n$/s);
  assert.equal(said.split('HTTP/1.1 ').length, 2);
});

describe('a link that expires', () => {
  const linkFor = (seconds: number) =>
    guarded.tokens.sign('link', { expires: nowSeconds() + seconds, id: newId() });

  test('opens a session that ends with it, and goes on to an address without it', async () => {
    const answer = await ask(`/login?link=${linkFor(100)}`, PAGE_HEADERS);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('refresh'), '0; url=./');
    const life = Number(/Max-Age=(\d+)/.exec(answer.headers.get('set-cookie') ?? '')?.[1]);
    assert.ok(life > 90 && life <= 100, `${life} s`);
    assert.equal(await statusWith(cookieOf(answer)), 200);
  });

  test('ends the streams that it opened', async () => {
    const cookie = cookieOf(await ask(`/login?link=${linkFor(2)}`));
    const stream = await watch('/stream.mjpg', { cookie });
    await closed(stream);
    assert.equal(await statusWith(cookie), 401);
  });

  test('is worth nothing when it has expired, is forged, or is a cookie', async () => {
    const session = cookieOf(await guarded.logIn('anna')).slice('noaa='.length);
    const stranger = new Tokens(randomKey()).sign('link', { expires: nowSeconds() + 60, id: newId() });
    for (const link of [linkFor(-1), stranger, session, '', 'x'.repeat(5000)]) {
      const answer = await ask(`/login?link=${link}`);
      assert.equal(answer.status, 401);
      assert.equal(answer.headers.get('set-cookie'), null);
    }
  });
});

test('a user who is removed, or gets a new password, is out within 5 s; others stay', async () => {
  const cookie = cookieOf(await guarded.logIn('ben'));
  const streams = [
    await watch('/stream', { cookie }),
    await watch('/stream.mjpg', basic('ben', PASSWORDS['ben']!)),
  ];
  const other = await watch('/stream', basic('anna', PASSWORDS['anna']!));
  await guarded.keepOnly('anna');
  await Promise.all(streams.map(closed));
  assert.equal(await statusWith(cookie), 401);
  assert.equal((await guarded.logIn('ben')).status, 401);
  assert.equal(other.closed, false);
  other.destroy();
  await guarded.keepOnly('anna', 'ben');
  await until(async () => (await guarded.logIn('ben')).status === 303, 'ben to be a user again', 5000);
});

test('a users file that is broken while it runs logs nobody out and nobody in, and the log says so', async () => {
  const whole = await readFile(guarded.usersFile, 'utf8');
  await writeFile(guarded.usersFile, `${whole}eve:$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA\n`);
  const { msg } = await guarded.service.logged(line => line.level === 'error');
  assert.match(
    msg,
    /^USERS_FILE=".*" has a line 4 whose hash is not Argon2id.*\. Until it can be read, the 2 users before it stay$/,
  );
  assert.equal((await guarded.logIn('anna')).status, 303);
  await writeFile(guarded.usersFile, whole);
});

test('each viewer is one entry of the journal, with who, from where, how much, and how it ended', async () => {
  const cookie = cookieOf(await guarded.logIn('anna'));
  const stream = await watch('/stream.mjpg', { cookie });
  await once(stream, 'data');
  stream.destroy();
  const isIt = (line: LogLine) =>
    line['audit'] === 'viewer' &&
    line['user'] === 'anna' &&
    line['ending'] === 'left' &&
    line['stream'] === 'mjpeg';
  const entry = await guarded.service.logged(isIt);
  assert.equal(entry['address'], '127.0.0.1');
  assert.equal(entry['by'], 'session');
  assert.ok(Number(entry['bytes']) > 1000, `${entry['bytes']} bytes`);
  assert.ok(Date.parse(String(entry['end'])) >= Date.parse(String(entry['start'])));
  assert.match(entry.msg, /^anna at 127\.0\.0\.1 watched for \d+ s, \d+\.\d MB: left$/);
  assert.ok(guarded.service.log.some(line => line['ending'] === 'access ended' && line['user'] === 'ben'));
});

test('no password, cookie, token, link, key or hash is in the log', async () => {
  const cookie = cookieOf(await guarded.logIn('anna'));
  const link = guarded.tokens.sign('link', { expires: nowSeconds() + 60, id: newId() });
  await ask(`/login?link=${link}`);
  await ask('/status', { cookie });
  const log = JSON.stringify(guarded.service.log);
  const key = (await readFile(`${guarded.usersFile}.key`, 'utf8')).trim();
  for (const secret of [
    ...Object.values(PASSWORDS),
    'wrong password',
    cookie.split('=')[1]!,
    link,
    key,
    '$argon2',
    METRICS_TOKEN,
  ])
    assert.ok(!log.includes(secret), secret);
});

test('/metrics has a token of its own, which opens nothing else, and no user opens /metrics; a broken users file shows there', async () => {
  const file = `${guarded.folder}/metrics-token`;
  await writeFile(file, `${METRICS_TOKEN}\n`);
  await using other = await startGuarded({ METRICS_TOKEN_FILE: file });
  const status = async (path: string, headers: Record<string, string>) =>
    (await fetch(`${other.url}${path}`, { headers })).status;
  const token = { Authorization: `Bearer ${METRICS_TOKEN}` };
  assert.equal(await status('/metrics', token), 200);
  assert.equal(await status('/status', token), 401);
  assert.equal(await status('/metrics', basic('anna', PASSWORDS['anna']!)), 401);
  assert.equal(await status('/metrics', { Authorization: `Bearer ${METRICS_TOKEN}x` }), 401);
  assert.equal(await status('//metrics', token), 401);
  const { Authorization } = basic('anna', PASSWORDS['anna']!);
  const lines = `Host: 127.0.0.1\r\nAuthorization: ${Authorization}\r\nConnection: close\r\n\r\n`;
  for (const target of ['/metrics/', '/METRICS', '/metrics?x', '/metrics#x', 'http://127.0.0.1/metrics'])
    assert.match(
      await rawAnswer(other.port, `GET ${target} HTTP/1.1\r\n${lines}`),
      /^HTTP\/1\.1 401 .*credential of its own|^HTTP\/1\.1 401 .*token of METRICS_TOKEN_FILE/s,
      target,
    );
  const faulty = async () =>
    /^noaa_visualizer_file_faulty\{file="USERS_FILE".*\} (\d)$/m.exec(
      await (await fetch(`${other.url}/metrics`, { headers: token })).text(),
    )?.[1];
  assert.equal(await faulty(), '0');
  await writeFile(other.usersFile, 'nobody');
  await other.service.logged(({ level }) => level === 'error');
  assert.equal(await faulty(), '1');
  await other.keepOnly('anna', 'ben');
  await other.service.logged(({ msg }) => msg.startsWith('read the users again'));
  assert.equal(await faulty(), '0');
});

test('the operator of the machine reads /status and /metrics by the secret of the link, whatever the logins are', async () => {
  const file = async (name: string, text: string) => {
    await writeFile(`${guarded.folder}/${name}`, text);
    return `${guarded.folder}/${name}`;
  };
  const secret = await file('link-secret', `${'5e'.repeat(32)}\n`);
  await using other = await startGuarded({
    USERS_FILE: '',
    TRUSTED_PROXIES: '192.0.2.1',
    TRUSTED_USER_HEADER: 'X-User',
    METRICS_TOKEN_FILE: await file('its-metrics-token', `${METRICS_TOKEN}\n`),
    REDACTOR_SECRET_FILE: secret,
  });
  const status = async (path: string, token?: string) =>
    (await fetch(`${other.url}${path}`, { headers: { Authorization: `Bearer ${token}` } })).status;
  const token = await operatorToken({ REDACTOR_SECRET_FILE: secret });
  assert.deepEqual([await status('/status', token), await status('/metrics', token)], [200, 200]);
  const forged = await operatorToken({ REDACTOR_SECRET_FILE: await file('other', `${'5f'.repeat(32)}\n`) });
  for (const wrong of [forged, '5e'.repeat(32), METRICS_TOKEN])
    assert.equal(await status('/status', wrong), 401);
  assert.equal(await status('/metrics', forged), 401);
});

describe('REQUIRE_AUTH, and settings that cannot be', () => {
  const refuses = (name: string, env: Record<string, string>, said: RegExp) =>
    test(name, async () => {
      await using service = startService('visualizer', { VISUALIZER_PORT: 1, ...env });
      assert.equal(await service.ended, 2);
      assert.match(service.log.at(-1)?.msg ?? '', said);
    });
  refuses(
    'REQUIRE_AUTH=1 without any way to log in ends the start',
    { REQUIRE_AUTH: '1' },
    /^REQUIRE_AUTH=1 needs one of USERS_FILE/,
  );
  refuses(
    'a users file that is not there ends the start',
    { USERS_FILE: '/nowhere/users' },
    /^USERS_FILE="\/nowhere\/users" does not exist; .*npm run users/,
  );
  refuses(
    'a key file that is no key ends the start',
    { ACCESS_KEY_FILE: '/etc/hostname' },
    /^ACCESS_KEY_FILE="\/etc\/hostname" is not 64 hexadecimal digits/,
  );
  refuses(
    'a user header from anybody ends the start',
    { TRUSTED_USER_HEADER: 'X-User' },
    /needs TRUSTED_PROXIES/,
  );
});
