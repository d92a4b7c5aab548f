/** What the tests of the page share: each browser with a chain of its own. */
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import type { Browser } from 'puppeteer-core';
import type { LoopFrame, LoopList } from '../../apps/visualizer/messages.ts';
import { BROWSERS, type BrowserName, launch, openTab, shows, type Tab, type TabOptions } from './browsers.ts';
import { makeClip, temporaryFolder } from './clips.ts';
import { freePort } from './ports.ts';
import { type RunningService, startChain, startService } from './services.ts';
import { until } from './until.ts';

type Variables = Record<string, string | number>;
export type Chain = Awaited<ReturnType<typeof startChain>>;

/** A browser, the chain whose page it opens, and that chain's clip. They are there as soon as the tests run. */
export interface Bench {
  readonly name: BrowserName;
  readonly browser: Browser;
  readonly chain: Chain;
  readonly clip: string;
  /** For files; it is deleted after the last test. */
  readonly folder: string;
  /** Everything that is used here ends with the last test. */
  readonly stack: AsyncDisposableStack;
  /** Opens a page of the chain, or of another address. */
  open(options?: TabOptions & { web?: string }): Promise<Tab>;
}

/**
 * Runs the tests in each browser, side by side: most of their time is spent waiting for the chain.
 *
 * @param clip what the clip is like: 6 frames a second if nothing else is asked for
 * @param measures whether tests measure times, so that one browser must not slow the other down
 */
export function inBrowsers(
  clip: Parameters<typeof makeClip>[1],
  variables: Variables,
  define: (bench: Bench) => void,
  measures = false,
): void {
  describe('the page', { concurrency: measures ? 1 : BROWSERS.length }, () => {
    for (const name of BROWSERS) {
      describe(name, () => {
        const stack = new AsyncDisposableStack();
        const parts = {} as { browser: Browser; chain: Chain; clip: string; folder: string };
        before(async () => {
          const launched = launch(name).then(browser => stack.use(browser));
          const folder = stack.use(await temporaryFolder());
          parts.folder = folder.path;
          parts.clip = await makeClip(join(folder.path, 'clip.mp4'), { size: '480x272', fps: 6, ...clip });
          const all = { REDACT_WIDTH: 16, ...variables };
          parts.chain = stack.use(await startChain({ DATA_FILE: parts.clip, ...all }));
          parts.browser = await launched;
        });
        after(() => stack.disposeAsync());
        define({
          name,
          stack,
          get browser() {
            return parts.browser;
          },
          get chain() {
            return parts.chain;
          },
          get clip() {
            return parts.clip;
          },
          get folder() {
            return parts.folder;
          },
          open: ({ web = parts.chain.web, ...options } = {}) => openTab(parts.browser, web, options),
        });
      });
    }
  });
}

/** Starts one more visualizer on the same redactor, for what would disturb the others. It is live when this returns. */
export async function anotherVisualizer({ environment }: Chain, more: Variables = {}) {
  const port = await freePort();
  const variables = { ...environment.visualizer, VISUALIZER_PORT: port, ...more };
  const visualizer: RunningService = startService('visualizer', variables);
  await visualizer.logged(line => line['state'] === 'live');
  return {
    visualizer,
    environment: variables,
    web: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => visualizer[Symbol.asyncDispose](),
  };
}

export async function history(web: string): Promise<LoopFrame[]> {
  return ((await (await fetch(`${web}/loop`)).json()) as LoopList).frames;
}

/** Waits for a history of this many frames and returns it. */
export function historyOf(web: string, count: number): Promise<LoopFrame[]> {
  return until(async () => {
    const frames = await history(web);
    return frames.length === count ? frames : undefined;
  }, `${count} frames of history`);
}

/** Starts the loop of a page, with all of its frames. */
export async function enterLoop(tab: Tab, frames: number): Promise<void> {
  await tab.becomes('live');
  await shows(tab, '#loop-place', /kept$/);
  await tab.act('Loop');
  await tab.becomes('loop');
  await shows(tab, '#loop-place', new RegExp(`^\\d+ / ${frames}$`));
}

/** Brings a page into its loop, all of it loaded, and stops it at the last frame. */
export async function standStill(tab: Tab, frames: number): Promise<void> {
  await tab.becomes('live');
  await tab.act('Last frame');
  await tab.becomes('loop');
  await shows(tab, '#loop-place', new RegExp(`^${frames} / ${frames}$`));
}
