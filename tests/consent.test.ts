/** What a person must agree to before the first frame, and the marking on the pages before it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readConsent } from '../apps/visualizer/access/consent.ts';
import { cookieOf, type Guarded, PASSWORDS, startGuarded } from './support/guarded.ts';

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
