/** The loop in real browsers, fed by the real services. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { shows, type Tab } from './support/browsers.ts';
import { anotherVisualizer, type Bench, enterLoop, historyOf, inBrowsers } from './support/in-browsers.ts';
import { startChain, startService } from './support/services.ts';
import { until } from './support/until.ts';

const FRAMES = 12;

inBrowsers({ seconds: FRAMES / 6 }, {}, bench => {
  before(() => historyOf(bench.chain.web, FRAMES));

  test('the history is there soon after the page opens, and then loops without the server', async () => {
    await using another = await anotherVisualizer(bench.chain);
    const { visualizer, web } = another;
    await historyOf(web, FRAMES);
    await using tab = await bench.open({ web });
    await enterLoop(tab, FRAMES);
    visualizer.process.kill('SIGSTOP');
    const drawn = await tab.record();
    await tab.act('Faster');
    await until(async () => new Set((await drawn()).map(({ seq }) => seq)).size === FRAMES, 'a whole round');
    assert.equal(await tab.text('#state'), 'Loop');
    assert.match(await tab.text('#badge'), /^Loop · 00:0\d\.\d{3} into the clip · not live$/);
  });

  test('it keeps AWIPS’s time: 250 ms a frame, 700 ms on the first and 1500 ms on the last', async () => {
    await using tab = await bench.open();
    await enterLoop(tab, FRAMES);
    const order = await orderOf(bench);
    const drawn = await tab.record();
    await until(async () => (await drawn()).length > 2 * FRAMES + 2, 'two rounds');
    const all = await drawn();
    const held = all
      .slice(1)
      .map(({ atMs }, i) => ({ index: order.indexOf(all[i]!.seq), ms: atMs - all[i]!.atMs }));
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
      median(index => index === FRAMES - 1),
      1500,
    );
    near(
      median(index => index > 0 && index < FRAMES - 1),
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

  test('every action of the loop has a key', async () => {
    await using tab = await bench.open();
    const place = (index: number) => shows(tab, '#loop-place', new RegExp(`^${index} / `));
    await enterLoop(tab, FRAMES);
    const order = await orderOf(bench);
    await tab.act('Play or pause');
    await until(async () => (await label(tab, '#pause')) === 'Play', 'a pause');
    await tab.act('First frame');
    await place(1);
    assert.equal(await tab.seq(), order[0]);
    await tab.act('Last frame');
    await place(FRAMES);
    assert.equal(await tab.seq(), order.at(-1));
    await tab.act('Step back');
    await place(FRAMES - 1);
    await tab.act('Step forward');
    await tab.act('Step forward');
    await place(1);

    const drawn = await tab.record();
    await tab.act('Backward');
    await until(async () => (await drawn()).length >= 2, 'two frames');
    assert.deepEqual(
      (await drawn()).slice(0, 2).map(({ seq }) => order.indexOf(seq)),
      [FRAMES - 1, FRAMES - 2],
    );
    await tab.act('First frame');
    await place(1);
    const rocked = await tab.record();
    await tab.act('Rock');
    await until(async () => (await rocked()).length >= FRAMES + 1, 'a turn');
    const indexes = (await rocked()).map(({ seq }) => order.indexOf(seq));
    assert.deepEqual(indexes.slice(FRAMES - 3, FRAMES), [FRAMES - 2, FRAMES - 1, FRAMES - 2]);
    await tab.act('Forward');
    await until(async () => (await pressed(tab, 'forward')) === 'true', 'it to run forward');
    await tab.act('Play or pause');

    for (const [action, selector, wanted] of [
      ['Faster', '#speed', '1.5×'],
      ['Slower', '#speed', '1×'],
      ['Slower', '#speed', '0.75×'],
      ['Longer dwell on the last frame', '#last-dwell', '2 s'],
      ['Shorter dwell on the last frame', '#last-dwell', '1.5 s'],
      ['Longer dwell on the first frame', '#first-dwell', '1 s'],
      ['Shorter dwell on the first frame', '#first-dwell', '0.7 s'],
      ['Fewer frames', '#frame-count', '10 newest'],
      ['More frames', '#frame-count', `all ${FRAMES}`],
    ] as const) {
      await tab.act(action);
      await shows(tab, selector, new RegExp(`^${wanted}$`));
    }

    await tab.act('First frame');
    await place(1);
    await tab.act('Leave the frame out');
    await shows(tab, '#loop-place', new RegExp(`^1 / ${FRAMES - 1} of ${FRAMES}$`));
    assert.equal(await tab.seq(), order[1]);
    await tab.act('Bring all frames back');
    await shows(tab, '#loop-place', new RegExp(`^2 / ${FRAMES}$`));
    await tab.act('Follow new frames or keep my place');
    await until(async () => (await pressed(tab, 'follow')) === 'false', 'it to keep its place');
    await tab.act('Live');
    await tab.becomes('live');
    await tab.act('Step back');
    await tab.becomes('loop');
    await place(FRAMES - 1);
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
});

const label = (tab: Tab, selector: string) => tab.page.$eval(selector, element => element.ariaLabel);
const pressed = (tab: Tab, action: string) =>
  tab.page.$eval(`[data-action="${action}"]`, element => element.ariaPressed);

/** Returns the sequences of the history, the oldest first. */
async function orderOf({ chain }: Bench): Promise<number[]> {
  return (await historyOf(chain.web, FRAMES)).map(({ seq }) => seq);
}
