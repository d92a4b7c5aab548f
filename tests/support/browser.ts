/** Chromium driven by Playwright, for the tests of the login: it finds fields by their labels and runs pages without script. */
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { executableOf, QUIET } from './browsers.ts';

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: executableOf('chromium'), args: QUIET });
}

export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions,
): Promise<{ page: Page } & AsyncDisposable> {
  const context = await browser.newContext({ viewport: { width: 1024, height: 700 }, ...options });
  const page = await context.newPage();
  await page.goto(url);
  return { page, [Symbol.asyncDispose]: () => context.close() };
}
