/** The loop in real browsers, fed by the real services. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { shows, type Tab } from './support/browsers.ts';
import { makeClip } from './support/clips.ts';
import {
  anotherVisualizer,
  type Bench,
  enterLoop,
  history,
  historyOf,
  inBrowsers,
  standStill,
} from './support/in-browsers.ts';
import { startChain, startService } from './support/services.ts';
import { until } from './support/until.ts';

const FRAMES = 12;

inBrowsers(
  { seconds: FRAMES / 6 },
  {},
  bench => {
    before(() => historyOf(bench.chain.web, FRAMES));

    test('the history is there soon after the page opens, and then loops without the server', async () => {
      await using another = await anotherVisualizer(bench.chain);
      const { visualizer, web } = another;
      await historyOf(web, FRAMES);
      await using tab = await bench.open({ web });
      await enterLoop(tab, FRAMES);
      visualizer.process.kill('SIGSTOP');
      const drawn = await tab.record();
      for (let i = 0; i < 6; i++) await tab.act('Faster');
      await until(
        async () => new Set((await drawn()).map(({ seq }) => seq)).size === FRAMES,
        'a whole round',
      );
      assert.equal(await tab.text('#state'), 'Loop');
      assert.match(await tab.text('#badge'), /^Loop · 00:0\d\.\d{3} into the clip · not live$/);
    });

    test('it keeps AWIPS’s time: 250 ms a frame, 700 ms on the first and 1500 ms on the last', async () => {
      await using tab = await bench.open();
      await enterLoop(tab, FRAMES);
      const order = await orderOf(bench);
      await tab.act('Fewer frames');
      await tab.act('Fewer frames');
      await shows(tab, '#frame-count', /^5 newest$/);
      const few = order.slice(-5);
      const drawn = await tab.record();
      await until(async () => (await drawn()).length > 3 * few.length, 'two rounds and more');
      const all = await drawn();
      const held = all
        .slice(1)
        .map(({ atMs }, i) => ({ index: few.indexOf(all[i]!.seq), ms: atMs - all[i]!.atMs }));
      const median = (wanted: (index: number) => boolean) => {
        const times = held.filter(({ index }) => wanted(index)).map(({ ms }) => ms);
        return times.toSorted((a, b) => a - b)[(times.length - 1) >> 1]!;
      };
      const near = (ms: number, wanted: number) =>
        assert.ok(Math.abs(ms - wanted) < 60, `${ms} ms, not ${wanted}`);
      near(
        median(index => index === 0),
        700,
      );
      near(
        median(index => index === few.length - 1),
        1500,
      );
      near(
        median(index => index > 0 && index < few.length - 1),
        250,
      );
      assert.deepEqual(tab.errors, []);
    });

    test('when the mask gets stricter, no picture of before stays on the page', async () => {
      await using own = await startChain({ DATA_FILE: bench.clip, REDACT_WIDTH: 16 });
      await historyOf(own.web, FRAMES);
      await using tab = await bench.open({ web: own.web });
      await enterLoop(tab, FRAMES);
      await tab.act('Play or pause');
      await own.services.redactor.stop();
      await using _ = startService('redactor', { ...own.environment.redactor, REDACT_WIDTH: 60 });
      await tab.becomes('live');
      await tab.act('Loop');
      await tab.becomes('loop');
      await shows(tab, '#loop-place', new RegExp(`^\\d+ / ${FRAMES}$`));
      const brightest = await tab.page.evaluate(`(() => {
      const shown = document.querySelector('#picture');
      const context = new OffscreenCanvas(shown.width, shown.height).getContext('2d');
      context.drawImage(shown, 0, 0);
      return Math.max(...context.getImageData(0, 0, shown.width, 40).data.filter((_, i) => i % 4 !== 3));
    })()`);
      assert.ok((brightest as number) <= 12, `a pixel of ${brightest} in the border`);
    });

    test('a running loop keeps its place among new frames or follows them, as is wanted', async () => {
      const long = await makeClip(join(bench.folder, 'long.mp4'), { size: '320x180', fps: 6, seconds: 60 });
      await using own = await startChain({ DATA_FILE: long, REDACT_WIDTH: 16 });
      await until(async () => (await history(own.web)).length > 4, 'some history');
      await using tab = await bench.open({ web: own.web });
      await tab.becomes('live');
      await tab.act('Last frame');
      await tab.becomes('loop');
      const place = async () => {
        const [, at, of] = /^(\d+) \/ .*?(\d+)$/.exec(await tab.text('#loop-place')) ?? [];
        return [Number(at), Number(of)] as const;
      };
      const [, few] = await place();
      await until(async () => {
        const [at, of] = await place();
        return of > few + 3 && at === of;
      }, 'whoever stands at the last frame to follow the new ones');
      await tab.act('Step back');
      const grows = async (by: number) => {
        const { length } = await history(own.web);
        await until(async () => (await history(own.web)).length >= length + by, 'new frames');
      };
      await grows(2);
      const seq = await tab.seq();
      await grows(4);
      assert.equal(await tab.seq(), seq, 'whoever stands elsewhere keeps the place');

      await tab.act('Follow new frames or keep my place');
      await until(async () => (await pressed(tab, 'follow')) === 'false', 'it to keep its place');
      const [, kept] = await place();
      await tab.act('Play or pause');
      await grows(6);
      assert.equal((await place())[1], kept, 'a loop that keeps its place takes none in');
      await tab.act('Follow new frames or keep my place');
      await until(async () => (await place())[1] > kept + 5, 'the new frames in the running loop');
      assert.equal(await label(tab, '#pause'), 'Pause', 'it runs on');
      assert.deepEqual(tab.errors, []);
    });

    test('each frame is decoded before it is due: none is late, half, or another than the timeline says', async () => {
      await using tab = await bench.open({
        web: `${bench.chain.web}/#speed=2&first=0&last=0`,
        // Every picture takes longer to decode than a frame lasts, and is looked at as it comes to the screen.
        before: `
        globalThis.decode = createImageBitmap;
        globalThis.began = {};
        const { blob } = Response.prototype;
        Response.prototype.blob = async function () {
          const url = this.url.replace(/[?].*/, "");
          return Object.assign(await blob.call(this), { url });
        };
        globalThis.createImageBitmap = async (source, ...options) => {
          if (source instanceof Blob) {
            began[source.url] ??= performance.now();
            await new Promise(resolve => setTimeout(resolve, 200));
          }
          return await decode(source, ...options);
        };
        globalThis.shown = {};
        globalThis.pixels = image => {
          const context = new OffscreenCanvas(48, 27).getContext('2d', { willReadFrequently: true });
          context.drawImage(image, 0, 0, 48, 27);
          return [...context.getImageData(0, 0, 48, 27).data];
        };
        new MutationObserver(() => shown[document.documentElement.dataset.drawnSeq] = pixels(document.querySelector('#picture')))
          .observe(document, { subtree: true, attributeFilter: ['data-drawn-seq'] });`,
      });
      // Stopped at the last frame until all are loaded.
      await standStill(tab, FRAMES);
      const drawn = await tab.record();
      await tab.act('Play or pause');
      await tab.draws(2 * FRAMES);
      const all = await drawn();
      const late = all.slice(1).map(({ atMs }, i) => atMs - all[i]!.atMs - 125);
      const median = late.toSorted((a, b) => a - b)[late.length >> 1]!;
      assert.ok(median < 60, `${late.map(Math.round)} ms after they were due`);
      const frames = await history(bench.chain.web);
      const began = (await tab.page.evaluate('began')) as Record<string, number>;
      for (const [i, { seq }] of all.slice(1).entries()) {
        const { id } = frames.find(frame => frame.seq === seq)!;
        const beganMs = began[`${bench.chain.web}/loop/${id}.jpg`]!;
        assert.ok(beganMs < all[i]!.atMs, `frame ${seq} was decoded only when it was due`);
      }
      const differences =
        (await tab.page.evaluate(`Promise.all(${JSON.stringify(frames)}.map(async ({ id, seq }) => {
      const wanted = pixels(await decode(await (await fetch('loop/' + id + '.jpg')).blob()));
      const got = shown[seq] ?? [];
      return Math.max(...wanted.map((value, i) => Math.abs(value - (got[i] ?? 999))));
    }))`)) as number[];
      assert.ok(
        differences.every(most => most <= 2),
        `off by up to ${differences}`,
      );
      assert.deepEqual(tab.errors, []);
    });

    test('the timeline goes to a frame by click and by drag, leaves one out, and steps by wheel', async () => {
      await using tab = await bench.open();
      const { page } = tab;
      await enterLoop(tab, FRAMES);
      const box = (await (await page.$('#timeline'))!.boundingBox())!;
      const at = (index: number) =>
        [box.x + ((index + 0.5) * box.width) / FRAMES, box.y + box.height / 2] as const;
      const place = (text: string) => shows(tab, '#loop-place', new RegExp(`^${text}$`));
      await page.mouse.click(...at(3));
      await place(`4 / ${FRAMES}`);
      await page.mouse.move(...at(5));
      await page.mouse.down();
      await page.mouse.move(...at(8));
      await place(`9 / ${FRAMES}`);
      await page.mouse.up();
      await page.mouse.wheel({ deltaY: 100 });
      await place(`10 / ${FRAMES}`);
      await page.mouse.wheel({ deltaY: -100 });
      await place(`9 / ${FRAMES}`);
      await page.keyboard.down('Shift');
      await page.mouse.click(...at(1));
      await page.keyboard.up('Shift');
      await place(`8 / ${FRAMES - 1} of ${FRAMES}`);
      await page.touchscreen.tap(...at(0));
      await place(`1 / ${FRAMES - 1} of ${FRAMES}`);
      assert.equal(await label(tab, '#pause'), 'Play', 'whoever picks a frame wants to look at it');
    });
  },
  true,
);

const label = (tab: Tab, selector: string) => tab.page.$eval(selector, element => element.ariaLabel);
const pressed = (tab: Tab, action: string) =>
  tab.page.$eval(`[data-action="${action}"]`, element => element.ariaPressed);

/** Returns the sequences of the history, the oldest first. */
async function orderOf({ chain }: Bench): Promise<number[]> {
  return (await historyOf(chain.web, FRAMES)).map(({ seq }) => seq);
}
