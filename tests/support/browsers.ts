/** Chromium and Firefox, both the system's own, driven the same way. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import puppeteer, { type Browser, type KeyInput, type Page } from 'puppeteer-core';
import { until } from './until.ts';

const PROGRAMS = {
  chromium: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
  firefox: ['firefox-esr', 'firefox'],
};

/** They talk to nobody but the page under test. */
const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export type BrowserName = keyof typeof PROGRAMS;
export const BROWSERS = Object.keys(PROGRAMS) as BrowserName[];

export async function launch(name: BrowserName): Promise<Browser & AsyncDisposable> {
  const executablePath = find(PROGRAMS[name]);
  // Chromium's sandbox refuses to run as root.
  const root = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return name === 'firefox'
    ? await puppeteer.launch({ browser: 'firefox', executablePath })
    : await puppeteer.launch({ browser: 'chrome', executablePath, args: [...QUIET, ...root] });
}

export function find(names: string[]): string {
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

export interface Tab extends AsyncDisposable {
  page: Page;
  /** What the browser's console calls an error, faults in scripts and breaches of the security policy included. */
  errors: string[];
  /** Waits until the page says that it is in that state. */
  becomes(state: string): Promise<void>;
  text(selector: string): Promise<string>;
  /** Does what the panel of keys has under this label, by its first key or by another. */
  act(label: string, which?: number): Promise<void>;
  /** The sequence of the frame on the screen. */
  seq(): Promise<number>;
  /** Every frame that came to the screen from now on, with its time in ms. */
  record(): Promise<() => Promise<{ seq: number; atMs: number }[]>>;
  /** The files that the page has saved so far. */
  saved(): Promise<{ name: string; bytes: Buffer }[]>;
}

/** Runs before the page's own scripts: keeps what is saved, which the two browsers hand over in different ways. */
const KEEP_SAVED = `
  globalThis.saved = [];
  const blobs = new Map();
  const create = URL.createObjectURL;
  URL.createObjectURL = blob => {
    const url = create.call(URL, blob);
    blobs.set(url, blob);
    return url;
  };
  const click = HTMLAnchorElement.prototype.click;
  HTMLAnchorElement.prototype.click = function () {
    const { download } = this;
    if (!download) return click.call(this);
    const reader = new FileReader();
    reader.onload = () => saved.push({ name: download, base64: reader.result.split(',')[1] });
    reader.readAsDataURL(blobs.get(this.href));
  };`;

export async function openTab(
  browser: Browser,
  url: string,
  { width = 1024, height = 700, before = '' }: { width?: number; height?: number; before?: string } = {},
): Promise<Tab> {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.evaluateOnNewDocument(KEEP_SAVED + before);
  await page.setViewport({ width, height });
  const errors: string[] = [];
  page.on('console', message => void (message.type() === 'error' && errors.push(message.text())));
  page.on('pageerror', error => void errors.push(String(error)));
  await page.goto(url);
  const text = (selector: string) => page.$eval(selector, element => element.textContent ?? '');
  return {
    page,
    errors,
    async becomes(state) {
      await page.waitForSelector(`html[data-state="${state}"]`, { timeout: 20_000 });
    },
    text,
    async act(label, which = 0) {
      const keys = await page.evaluate(
        `[...document.querySelectorAll('#keys > div')].filter(row => row.querySelector('dt').textContent === ${JSON.stringify(label)})
          .flatMap(row => [...row.querySelectorAll('kbd')].map(key => key.textContent))`,
      );
      const key = (keys as string[])[which];
      if (!key) throw new Error(`the panel of keys has no key for ${label}`);
      await press(page, key);
    },
    seq: async () => Number(await page.$eval('html', html => html.dataset['drawnSeq'])),
    async record() {
      await page.evaluate(`
        globalThis.recorder?.disconnect();
        globalThis.drawn = [];
        globalThis.recorder = new MutationObserver(() => drawn.push({ seq: Number(document.documentElement.dataset.drawnSeq), atMs: performance.now() }));
        recorder.observe(document.documentElement, { attributeFilter: ['data-drawn-seq'] });`);
      return () => page.evaluate('drawn') as Promise<{ seq: number; atMs: number }[]>;
    },
    async saved() {
      const files = (await page.evaluate('saved')) as { name: string; base64: string }[];
      return files.map(({ name, base64 }) => ({ name, bytes: Buffer.from(base64, 'base64') }));
    },
    [Symbol.asyncDispose]: () => context.close(),
  };
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
