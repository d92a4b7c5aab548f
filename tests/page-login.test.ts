/** Logging in, in a real browser. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { newId, nowSeconds } from '../apps/visualizer/access/tokens.ts';
import { launchBrowser, openPage } from './support/browser.ts';
import { makePair } from './support/certificates.ts';
import { temporaryFolder } from './support/clips.ts';
import { type Guarded, PASSWORDS, startGuarded } from './support/guarded.ts';

let browser: Browser;
let guarded: Guarded;
let url: string;
const stack = new AsyncDisposableStack();
before(async () => {
  browser = stack.use(await launchBrowser());
  const folder = stack.use(await temporaryFolder());
  const { certFile, keyFile } = await makePair(folder.path, 'tls');
  guarded = stack.use(await startGuarded({ TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile }));
  url = guarded.url.replace('http:', 'https:');
});
after(() => stack.disposeAsync());

const untrusted = { ignoreHTTPSErrors: true };
const fillIn = async (page: Page, user: string, password: string) => {
  await page.getByLabel('User').fill(user);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
};
const isPicture = (page: Page) =>
  page.waitForSelector('html[data-started]', { state: 'attached', timeout: 10_000 });

test('a person logs in, without script, and sees the picture; once the user is removed, the login page', async () => {
  await using viewer = await openPage(browser, `${url}/?view=1`, untrusted);
  const { page } = viewer;
  await fillIn(page, 'anna', 'wrong password');
  assert.equal(await page.getByRole('alert').textContent(), 'User or password is wrong.');
  assert.equal(await page.getByLabel('User').inputValue(), 'anna');
  await fillIn(page, 'anna', PASSWORDS['anna']!);
  await isPicture(page);
  assert.equal(page.url(), `${url}/?view=1`);
  const [cookie] = await page.context().cookies();
  assert.deepEqual(
    [cookie?.name, cookie?.httpOnly, cookie?.secure, cookie?.sameSite],
    ['__Host-noaa', true, true, 'Strict'],
  );
  await guarded.keepOnly('ben');
  await page.getByLabel('Password').waitFor({ timeout: 15_000 });
  await guarded.keepOnly('anna', 'ben');
});

test('a link opens the picture, and is in the address no longer; logging out ends it', async () => {
  const link = guarded.tokens.sign('link', { expires: nowSeconds() + 600, id: newId() });
  await using viewer = await openPage(browser, `${url}/login?link=${link}`, {
    ...untrusted,
    javaScriptEnabled: false,
  });
  const { page } = viewer;
  await page.waitForURL(`${url}/`);
  assert.match(await page.content(), /<canvas/);
  await page.goto(`${url}/logout`);
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('link', { name: 'Log in again' }).click();
  await page.getByLabel('Password').waitFor();
});

test('a person who comes from another site is logged in still, though the first request has no cookie', async () => {
  await using viewer = await openPage(browser, url, untrusted);
  const { page } = viewer;
  await fillIn(page, 'ben', PASSWORDS['ben']!);
  await isPicture(page);
  await page.route('https://elsewhere.example/', route =>
    route.fulfill({ contentType: 'text/html', body: `<a href="${url}/">to the picture</a>` }),
  );
  await page.goto('https://elsewhere.example/');
  await page.getByRole('link').click();
  await isPicture(page);
});
