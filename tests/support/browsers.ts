/** Chromium and Firefox, both the system's own, driven the same way. */
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import puppeteer, { type Browser, type ElementHandle, type KeyInput, type Page } from 'puppeteer-core';
import { type Decoded, decodeJpeg } from './jpeg.ts';
import { until } from './until.ts';

const PROGRAMS = {
  chromium: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
  firefox: ['firefox-esr', 'firefox'],
};

/** They talk to nobody but the page under test. */
export const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** How a browser is set up beyond its defaults. Dark, so that what is bright on the glass is the picture. */
export interface Taste {
  /** Further arguments of Chromium. */
  chromium?: string[];
  scheme?: 'dark' | 'light';
  reducedMotion?: boolean;
}

/** One process for all pages: another one for each takes most of the time of a test. */
const firefoxPreferences = ({ scheme = 'dark', reducedMotion = false }: Taste) => ({
  'fission.webContentIsolationStrategy': 0,
  'dom.ipc.processCount': 1,
  'dom.ipc.processPrelaunch.enabled': false,
  'layout.css.prefers-color-scheme.content-override': scheme === 'dark' ? 0 : 1,
  'ui.prefersReducedMotion': Number(reducedMotion),
});

export type BrowserName = keyof typeof PROGRAMS;
export const BROWSERS = Object.keys(PROGRAMS) as BrowserName[];

export async function launch(name: BrowserName, taste: Taste = {}): Promise<Browser & AsyncDisposable> {
  const executablePath = executableOf(name);
  if (name === 'firefox') {
    const extraPrefsFirefox = firefoxPreferences(taste);
    return await puppeteer.launch({ browser: 'firefox', executablePath, extraPrefsFirefox });
  }
  // Chromium's sandbox refuses to run as root.
  const root = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return await puppeteer.launch({
    browser: 'chrome',
    executablePath,
    args: [...QUIET, ...root, ...(taste.chromium ?? [])],
  });
}

/** Returns the path of a browser. @throws if there is none on the PATH */
export function executableOf(name: BrowserName): string {
  const names = PROGRAMS[name];
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const found = names
    .flatMap(name => folders.map(folder => join(folder, name)))
    .find(path => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
  if (found) return found;
  const [debian] = names;
  throw new Error(
    `The tests of the page need ${debian}, which is not on the PATH. Debian: sudo apt-get install ${debian}.`,
  );
}

/** A change of state, or a frame that was drawn. */
export interface Moment {
  atMs: number;
  state: string;
  drew: boolean;
  seq: number;
}

export interface ShownPicture extends Decoded {
  seq: number;
  /** Into the clip, as the page prints it. */
  position: string;
}

export interface Tab extends AsyncDisposable {
  page: Page;
  /** What the browser's console calls an error, faults in scripts and breaches of the security policy included. */
  errors: string[];
  /** Waits until the page says that it is in that state. */
  becomes(state: string): Promise<void>;
  /** Waits until more frames are drawn. */
  draws(count?: number): Promise<void>;
  text(selector: string): Promise<string>;
  seen(selector: string): Promise<boolean>;
  box(selector: string): Promise<Box>;
  /** Does what the panel of keys has under this label, by its first key or by another. */
  act(label: string, which?: number): Promise<void>;
  /** The sequence of the frame on the screen. */
  seq(): Promise<number>;
  /** What came to the screen since the page began. */
  timeline(): Promise<Moment[]>;
  /** Returns what to ask for every frame that came to the screen from now on. */
  record(): Promise<() => Promise<Moment[]>>;
  /** The pixels of the canvas. */
  picture(): Promise<ShownPicture>;
  /** The pixels of the whole window, as on the glass. */
  glass(): Promise<Decoded>;
  /** The files that the page has saved so far. */
  saved(): Promise<{ name: string; bytes: Buffer }[]>;
}

export type Box = NonNullable<Awaited<ReturnType<ElementHandle['boundingBox']>>>;

export interface TabOptions extends Taste {
  width?: number;
  height?: number;
  /** A script that runs before the page's own. */
  before?: string;
  /** Whether the window is of a phone, where the browser can play one. */
  touch?: boolean;
}

const PROBE = readFileSync(new URL('probe.js', import.meta.url), 'utf8');

export async function openTab(
  browser: Browser,
  url: string,
  { width = 1024, height = 700, before = '', touch = false, scheme, reducedMotion }: TabOptions = {},
): Promise<Tab> {
  const context = await browser.createBrowserContext();
  // Firefox may move a new tab to another process in the middle of opening it.
  const page = await context.newPage().catch(() => context.newPage());
  await page.evaluateOnNewDocument(PROBE + before);
  await page.setViewport({ width, height, ...(touch && { hasTouch: true, isMobile: true }) });
  if (isChromium(browser)) {
    await page.emulateMediaFeatures([
      { name: 'prefers-color-scheme', value: scheme ?? 'dark' },
      { name: 'prefers-reduced-motion', value: reducedMotion ? 'reduce' : 'no-preference' },
    ]);
  }
  const errors: string[] = [];
  page.on('console', message => void (message.type() === 'error' && errors.push(message.text())));
  page.on('pageerror', error => void errors.push(String(error)));
  await page.goto(url);
  // In Firefox the keyboard's focus may be in the window's own bars.
  await page.bringToFront();
  const timeline = () => page.evaluate('probe.timeline') as Promise<Moment[]>;
  return {
    page,
    errors,
    async becomes(state) {
      await page.waitForSelector(`html[data-state="${state}"]`, { timeout: 20_000 });
    },
    async draws(count = 1) {
      const before = await page.evaluate('probe.drawn');
      await until(() => page.evaluate(`probe.drawn >= ${before} + ${count}`), `${count} frames to be drawn`);
    },
    text: selector => page.$eval(selector, element => element.textContent ?? ''),
    seen: selector => page.evaluate(`probe.seen(${JSON.stringify(selector)})`) as Promise<boolean>,
    async box(selector) {
      const box = await (await page.$(selector))?.boundingBox();
      if (!box) throw new Error(`${selector} is not to be seen`);
      return box;
    },
    async act(label, which = 0) {
      const keys = (await page.evaluate(
        `[...document.querySelectorAll('#keys > div')].filter(row => row.querySelector('dt').textContent === ${JSON.stringify(label)})
          .flatMap(row => [...row.querySelectorAll('kbd')].map(key => key.textContent))`,
      )) as string[];
      const key = keys[which];
      if (!key) throw new Error(`the panel of keys has no key for ${label}`);
      await press(page, key);
    },
    seq: async () => Number(await page.$eval('html', html => html.dataset['drawnSeq'])),
    timeline,
    async record() {
      const { length } = await timeline();
      return async () => (await timeline()).slice(length).filter(({ drew }) => drew);
    },
    async picture() {
      const { rgba, ...picture } = (await page.evaluate('probe.picture()')) as ShownPicture & {
        rgba: string;
      };
      return { ...picture, rgba: Uint8ClampedArray.from(Buffer.from(rgba, 'base64')) };
    },
    glass: async () => decodeJpeg(Buffer.from(await page.screenshot({ type: 'jpeg', quality: 100 }))),
    async saved() {
      const files = (await page.evaluate('probe.saved')) as { name: string; base64: string }[];
      return files.map(({ name, base64 }) => ({ name, bytes: Buffer.from(base64, 'base64') }));
    },
    [Symbol.asyncDispose]: () => context.close(),
  };
}

function isChromium(browser: Browser): boolean {
  return browser.process()?.spawnfile.includes('firefox') === false;
}

const KEYS: Record<string, KeyInput> = {
  '←': 'ArrowLeft',
  '→': 'ArrowRight',
  '↑': 'ArrowUp',
  '↓': 'ArrowDown',
  PgUp: 'PageUp',
  PgDn: 'PageDown',
  Ctrl: 'Control',
  Space: ' ' as KeyInput,
};

/** Presses a key with its modifiers, by the names on its caps. */
async function press(page: Page, caps: string): Promise<void> {
  const keys = caps.split(' ').map(cap => KEYS[cap] ?? (cap as KeyInput));
  const last = keys.pop()!;
  for (const modifier of keys) await page.keyboard.down(modifier);
  await page.keyboard.press(keys.includes('Shift') ? last : (lower(last) as KeyInput));
  for (const modifier of keys) await page.keyboard.up(modifier);
}

/** A letter without Shift. */
function lower(key: string): string {
  return key.length === 1 ? key.toLowerCase() : key;
}

/** Waits until a text of the page is as it should be. */
export async function shows(tab: Tab, selector: string, wanted: RegExp): Promise<void> {
  let seen = '';
  await until(async () => {
    seen = await tab.text(selector);
    return wanted.test(seen);
  }, `${selector} to read ${wanted}`).catch((error: Error) => {
    throw new Error(`${error.message}; it reads ${JSON.stringify(seen)}`);
  });
}
