/** What a person must agree to before the first frame, and the marking on the pages before it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readConsent } from '../apps/visualizer/access/consent.ts';
import { basic, cookieOf, type Guarded, PASSWORDS, startGuarded } from './support/guarded.ts';

const CONSENT = 'You watch a <b>government</b> system.\n\nEverything is "recorded" & kept.';
const ESCAPED =
  'You watch a &lt;b&gt;government&lt;/b&gt; system.\n\nEverything is &quot;recorded&quot; &amp; kept.';
const MARKING = 'RESTRICTED <i>';

const folder = mkdtempSync(join(tmpdir(), 'noaa-consent-'));
const file = join(folder, 'consent.txt');
let guarded: Guarded;
before(async () => {
  writeFileSync(file, `${CONSENT}\r\n`);
  guarded = await startGuarded({ CONSENT_FILE: file, MARKING, MARKING_COLOR: '#ffcc00' });
});
after(async () => {
  await guarded[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const post = (fields: Record<string, string>) =>
  fetch(`${guarded.url}/login`, { method: 'POST', redirect: 'manual', body: new URLSearchParams(fields) });
const ben = { user: 'ben', password: PASSWORDS['ben']! };

test('the login page has the text, as text, with a box to tick, and the marking above and below', async () => {
  for (const path of ['/login', '/', '/a/b']) {
    const page = await (await fetch(guarded.url + path, { headers: { accept: 'text/html' } })).text();
    assert.ok(page.includes(`>${ESCAPED}</p>`), path);
    assert.match(page, /<input type="checkbox" name="consent" value="yes" required>/);
    assert.equal(page.split('<p class="marking">RESTRICTED &lt;i&gt;</p>').length, 3, path);
  }
  const style = await (await fetch(`${guarded.url}/login.css`)).text();
  assert.match(style, /\.marking \{ background: #ffcc00; color: #000000; \}/);
});

test('nobody logs in without agreeing, whatever the password, and the page says why', async () => {
  for (const consent of [undefined, '', 'no', 'YES']) {
    const answer = await post({ ...ben, ...(consent !== undefined && { consent }) });
    assert.equal(answer.status, 403);
    assert.equal(answer.headers.get('set-cookie'), null);
    assert.match(await answer.text(), /role="alert">Read the notice below and agree to it\./);
  }
  const answer = await post({ ...ben, consent: 'yes' });
  assert.equal(answer.status, 303);
  const status = await fetch(`${guarded.url}/status`, { headers: { cookie: cookieOf(answer) } });
  assert.equal(status.status, 200);
});

test('a link shows the text first, and opens a session only after it', async () => {
  const token = guarded.tokens.sign('link', { id: 'one', expires: Math.floor(Date.now() / 1000) + 60 });
  const first = await fetch(`${guarded.url}/login?link=${token}`);
  assert.equal(first.headers.get('set-cookie'), null);
  const page = await first.text();
  assert.ok(page.includes(ESCAPED) && page.includes(`value="${token}"`));
  const then = await fetch(`${guarded.url}/login?link=${token}&consent=yes`);
  assert.ok(cookieOf(then));
});

test('a program with a password is shown the text, and gets a frame only when it says that it agrees', async () => {
  const headers = basic('ben', PASSWORDS['ben']!);
  for (const path of [
    '/stream',
    '/stream.mjpg',
    '/snapshot.jpg',
    '/status',
    '/loop',
    '/?consent=no',
    '/nothing',
  ]) {
    const answer = await fetch(guarded.url + path, { headers });
    assert.equal(answer.status, 403, path);
    assert.match(await answer.text(), /add \?consent=yes .*:\n\nYou watch a <b>government<\/b> system\./);
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain/);
  }
  assert.equal((await fetch(`${guarded.url}/status?consent=yes`, { headers })).status, 200);
  assert.equal(
    (await fetch(`${guarded.url}/status`, { headers: { ...headers, 'X-Consent': 'yes' } })).status,
    200,
  );
  // It is no login.
  assert.equal((await fetch(`${guarded.url}/status?consent=yes`)).status, 401);
  const elsewhere = { ...headers, 'Sec-Fetch-Site': 'cross-site' };
  assert.equal((await fetch(`${guarded.url}/status?consent=yes`, { headers: elsewhere })).status, 403);
});

test('a person whom a sign-in proxy lets in agrees on a page, once for each text', async () => {
  const proxied = { TRUSTED_PROXIES: '127.0.0.1', TRUSTED_USER_HEADER: 'X-User' };
  await using other = await startGuarded({ ...proxied, USERS_FILE: '', CONSENT_FILE: file });
  const headers = { 'X-User': 'carla', accept: 'text/html' };
  const page = await fetch(`${other.url}/a/b?consent=yes`, { headers });
  assert.equal(page.status, 403);
  const html = await page.text();
  assert.ok(html.includes(ESCAPED) && html.includes('<form method="post" action="../login">'));
  const agree = (more: Record<string, string>, body: Record<string, string>) =>
    fetch(`${other.url}/login`, {
      method: 'POST',
      redirect: 'manual',
      headers: more,
      body: new URLSearchParams(body),
    });
  assert.equal((await agree({ ...headers, Origin: 'https://evil.example' }, { consent: 'yes' })).status, 403);
  assert.equal((await agree(headers, { consent: 'no' })).status, 404);
  assert.equal((await agree({}, { consent: 'yes' })).status, 404);
  const answer = await agree(headers, { consent: 'yes', to: 'status' });
  assert.deepEqual([answer.status, answer.headers.get('location')], [303, './status']);
  assert.match(
    answer.headers.get('set-cookie') ?? '',
    /^noaa-consent=[\w-]{22}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/,
  );
  const status = async (cookie: string) =>
    (await fetch(`${other.url}/status`, { headers: { ...headers, cookie } })).status;
  assert.equal(await status(cookieOf(answer)), 200);
  assert.equal(await status('noaa-consent=yes'), 403);
});

test('a file that cannot be shown is one sentence', async () => {
  const refused = async (bytes: string | Buffer, why: RegExp) => {
    writeFileSync(join(folder, 'wrong'), bytes);
    await assert.rejects(readConsent(join(folder, 'wrong')), { code: 'bad-configuration', message: why });
  };
  await assert.rejects(readConsent(join(folder, 'none')), { message: /CONSENT_FILE="\S+" cannot be read/ });
  await refused('x'.repeat(9000), /has 9000 bytes; shorten it to 8192/);
  for (const bytes of ['', ' \n', 'a\u0000b', 'a\u202eb', 'a\u001b[2Jb', Buffer.of(0xff, 0xfe)])
    await refused(bytes, /must be plain text/);
});
