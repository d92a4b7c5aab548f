/** A real Chromium, and pages in it that tell what a viewer would have seen. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { type Decoded, decodeJpeg } from './jpeg.ts';
import { until } from './until.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** It talks to nobody but the page under test. */
const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium(), args: QUIET });
}

function findChromium(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const found = NAMES.flatMap(name => folders.map(folder => join(folder, name))).find(path => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (found) return found;
  throw new Error(
    'The tests of the page need Chromium, and none is on the PATH. ' +
      'Debian, Ubuntu: sudo apt-get install chromium. Fedora: sudo dnf install chromium.',
  );
}

export interface Moment {
  atMs: number;
  state: string;
  /** Whether a frame was drawn at this moment. */
  drew: boolean;
}

export interface ShownPicture extends Decoded {
  seq: number;
  /** Into the clip, as the page prints it. */
  position: string;
}

export interface WatchedPage extends AsyncDisposable {
  page: Page;
  /** What the browser's console calls an error, faults in scripts and breaches of the security policy included. */
  errors: string[];
  /** Waits until the page says that it is in that state. */
  becomes(state: string): Promise<void>;
  /** Waits until one more frame is drawn. */
  draws(): Promise<void>;
  timeline(): Promise<Moment[]>;
  /** The pixels of the canvas. */
  picture(): Promise<ShownPicture>;
  /** The pixels of the whole window, as on the glass. */
  glass(): Promise<Decoded>;
}

export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = { viewport: { width: 1024, height: 700 } },
): Promise<WatchedPage> {
  // Dark, so that what is bright on the glass is the picture.
  const context = await browser.newContext({ colorScheme: 'dark', ...options });
  await context.addInitScript({ path: fileURLToPath(new URL('probe.js', import.meta.url)) });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('console', message => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', error => errors.push(String(error)));
  await page.goto(url);

  return {
    page,
    errors,
    async becomes(state) {
      await page.waitForSelector(`html[data-state="${state}"]`, { state: 'attached', timeout: 20_000 });
    },
    async draws() {
      const before = await page.evaluate('probe.drawn');
      await until(() => page.evaluate(`probe.drawn > ${before}`), 'a frame to be drawn');
    },
    timeline: () => page.evaluate('probe.timeline'),
    async picture() {
      const { rgba, ...picture } = (await page.evaluate('probe.picture()')) as ShownPicture & {
        rgba: string;
      };
      return { ...picture, rgba: Uint8ClampedArray.from(Buffer.from(rgba, 'base64')) };
    },
    glass: async () => decodeJpeg(await page.screenshot({ type: 'jpeg', quality: 100 })),
    [Symbol.asyncDispose]: () => context.close(),
  };
}
