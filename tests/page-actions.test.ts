/** Every action of the page by keyboard alone, by mouse alone and by touch alone, in real browsers. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { ACTIONS, type ActionName } from '../apps/visualizer/page/text.ts';
import { shows, type Tab } from './support/browsers.ts';
import { historyOf, inBrowsers } from './support/in-browsers.ts';
import { until } from './support/until.ts';

const FRAMES = 6;
/** Four times as fast as usual, without dwells: the ways of a loop are then soon seen. */
const QUICK = '#speed=4&first=700&last=0';

/** The panels of the page, and what opens each. */
const OPENERS = { 'loop-settings': '#loop-more', 'view-settings': '#view-more', take: '#take-more' };

type Do = (action: ActionName) => Promise<void>;

inBrowsers({ seconds: FRAMES / 6 }, { CLIP_SECTOR: 'goes-east-conus' }, bench => {
  before(() => historyOf(bench.chain.web, FRAMES));

  for (const [way, size, doBy] of [
    ['keyboard', {}, byKey],
    ['mouse', {}, byMouse],
    ['touch, on a phone', { width: 390, height: 844, touch: true }, byTouch],
  ] as const) {
    test(`the 28 actions by ${way} alone`, async () => {
      await using tab = await bench.open({ web: `${bench.chain.web}/${QUICK}`, ...size });
      await tab.becomes('live');
      await shows(tab, '#loop-place', /kept$/);
      await allActions(tab, doBy(tab));
      assert.deepEqual(tab.errors, []);
    });
  }

  test('a step by key goes from the live picture to the one before the newest', async () => {
    await using tab = await bench.open();
    await tab.becomes('live');
    await tab.act('Step back');
    await tab.becomes('loop');
    await shows(tab, '#loop-place', new RegExp(`^${FRAMES - 1} / ${FRAMES}$`));
  });

  /** Does each action and waits for what it is to bring about. */
  async function allActions(tab: Tab, act: Do): Promise<void> {
    const { page } = tab;
    const order = (await historyOf(bench.chain.web, FRAMES)).map(({ seq }) => seq);
    const place = (index: number) => shows(tab, '#loop-place', new RegExp(`^${index} / `));
    const pressed = (action: string, wanted: boolean) =>
      until(
        () =>
          page.evaluate(`document.querySelector('[data-action="${action}"]').ariaPressed === '${wanted}'`),
        `${action} to be ${wanted}`,
      );
    const playing = (wanted: boolean) =>
      until(
        () => page.evaluate(`document.querySelector('#pause').ariaLabel === '${wanted ? 'Pause' : 'Play'}'`),
        wanted ? 'it to play' : 'a pause',
      );
    /** Waits until frames have followed each other by each of these steps, and by no other; a turn is at an end. */
    const runs = async (action: ActionName, steps: number[]) => {
      await act(action);
      await pressed(action, true);
      const drawn = await tab.record();
      await until(async () => {
        const indexes = (await drawn()).map(({ seq }) => order.indexOf(seq));
        const found = indexes.slice(1).map((index, i) => {
          const by = (index - indexes[i]! + FRAMES) % FRAMES;
          return by === FRAMES - 1 ? -1 : by;
        });
        assert.ok(
          found.every(step => steps.includes(step)),
          `${action}: ${indexes}`,
        );
        for (const [i, step] of found.slice(1).entries()) {
          if (step !== found[i])
            assert.ok([0, FRAMES - 1].includes(indexes[i + 1]!), `${action}: ${indexes}`);
        }
        return steps.every(step => found.includes(step)) && found.length >= FRAMES;
      }, action);
    };

    await act('loop');
    await tab.becomes('loop');
    await shows(tab, '#loop-place', new RegExp(` / ${FRAMES}$`));
    await playing(true);
    await act('play');
    await playing(false);
    await act('first');
    await place(1);
    await until(async () => (await tab.seq()) === order[0], 'the first frame');
    await act('stepForward');
    await place(2);
    await until(async () => (await tab.seq()) === order[1], 'the second frame');
    await act('stepBack');
    await place(1);
    await act('last');
    await place(FRAMES);
    await until(async () => (await tab.seq()) === order.at(-1), 'the last frame');
    await act('stepForward');
    await place(1);
    await runs('backward', [-1]);
    await runs('rock', [1, -1]);
    await runs('forward', [1]);
    await act('play');
    await playing(false);

    for (const [action, selector, wanted] of [
      ['faster', '#speed', '6×'],
      ['slower', '#speed', '4×'],
      ['longerLast', '#last-dwell', '0.25 s'],
      ['shorterLast', '#last-dwell', '0 s'],
      ['longerFirst', '#first-dwell', '1 s'],
      ['shorterFirst', '#first-dwell', '0.7 s'],
      ['fewer', '#frame-count', '5 newest'],
      ['more', '#frame-count', `all ${FRAMES}`],
      ['first', '#loop-place', `1 / ${FRAMES}`],
      ['leaveOut', '#loop-place', `1 / ${FRAMES - 1} of ${FRAMES}`],
      ['bringBack', '#loop-place', `2 / ${FRAMES}`],
    ] as const) {
      await act(action);
      await shows(tab, selector, new RegExp(`^${wanted}$`));
    }
    await act('follow');
    await pressed('follow', false);
    await act('follow');
    await pressed('follow', true);

    const transform = () => page.$eval('#frame', frame => frame.style.transform);
    await act('zoomIn');
    await shows(tab, '#zoom', /^125 %$/);
    await act('zoomOut');
    await shows(tab, '#zoom', /^100 %$/);
    for (let i = 0; i < 4; i++) await act('zoomIn');
    await shows(tab, '#zoom', /^244 %$/);
    for (const action of ['panRight', 'panDown', 'panLeft', 'panUp'] as const) {
      const before = await transform();
      await act(action);
      await until(async () => (await transform()) !== before, action);
    }
    await act('oneToOne');
    const pixels = () =>
      page.evaluate('document.querySelector("#picture").getBoundingClientRect().width * devicePixelRatio');
    await until(async () => Math.abs(Number(await pixels()) - 480) < 1, 'a pixel for a pixel');
    await act('whole');
    await until(async () => (await transform()) === '', 'the whole picture');
    const filter = () => page.$eval('#picture', picture => picture.style.filter);
    for (const [action, wanted] of [
      ['table', /^url\("#table-1"\)$/],
      ['table', /^url\("#table-2"\)$/],
      ['table', /^$/],
      ['invert', /^invert\(1\)$/],
      ['invert', /^$/],
    ] as const) {
      await act(action);
      await until(async () => wanted.test(await filter()), `the filter ${wanted}`);
    }
    const overlay = async (wanted: boolean) =>
      until(async () => (await tab.seen('#overlay')) === wanted, `the overlay to be ${wanted}`);
    await overlay(true);
    await act('overlay');
    await overlay(false);
    await act('overlay');
    await overlay(true);

    const saves = async (action: ActionName, name: RegExp) => {
      const { length } = await tab.saved();
      await act(action);
      const file = await until(async () => (await tab.saved())[length], name.source);
      assert.match(file.name, name);
    };
    await saves('saveStill', /^noaa_frame-\d+\.jpg$/);
    await saves('exportLoop', /^noaa_frame-\d+\.gif$/);
    await act('copyLink');
    await shows(tab, '#note', /link/);
    const whole = (wanted: boolean) =>
      until(
        () => page.evaluate(`(document.fullscreenElement !== null) === ${wanted}`),
        `full screen to be ${wanted}`,
      );
    await act('fullScreen');
    await whole(true);
    await act('fullScreen');
    await whole(false);
    await act('live');
    await tab.becomes('live');
  }
});

function byKey(tab: Tab): Do {
  return action => tab.act(ACTIONS[action][0]);
}

function byMouse(tab: Tab): Do {
  return byPointer(tab, (x, y) => tab.page.mouse.click(x, y));
}

function byTouch(tab: Tab): Do {
  return byPointer(tab, (x, y) => tab.page.touchscreen.tap(x, y));
}

/** Presses the button of an action, in the bar or in the panel that has it, which is opened first. */
function byPointer(tab: Tab, press: (x: number, y: number) => Promise<void>): Do {
  const { page } = tab;
  /** The middle of an element, once it is where a press reaches it. */
  const middleOf = async (selector: string) => {
    let middle: [number, number] | null = null;
    await until(async () => {
      middle = (await page.evaluate(`(() => {
        const element = [...document.querySelectorAll(${JSON.stringify(selector)})].find(each => each.checkVisibility());
        element?.scrollIntoView({ block: 'nearest' });
        const { x, y, width, height } = element?.getBoundingClientRect() ?? {};
        const middle = [x + width / 2, y + height / 2];
        return element?.contains(document.elementFromPoint(...middle)) ? middle : null;
      })()`)) as [number, number] | null;
      return middle !== null;
    }, `${selector} to be in reach`);
    return middle!;
  };
  const pressOn = async (selector: string) => press(...(await middleOf(selector)));
  return async action => {
    const button = `[data-action="${action}"]`;
    const panel = await page.evaluate(
      `[...document.querySelectorAll('${button}')].some(each => !each.closest('[popover]') && each.checkVisibility())
        ? null : document.querySelector('${button}').closest('[popover]').id`,
    );
    const open = await page.evaluate(`document.querySelector(':popover-open')?.id ?? null`);
    if (open !== panel) {
      if (open !== null) {
        // A press beside a panel closes it.
        const { x, width } = await tab.box('#stage');
        await press(x + width / 2, 10);
        await until(() => page.evaluate(`!document.querySelector(':popover-open')`), 'the panel to close');
      }
      if (panel !== null) await pressOn(OPENERS[panel as keyof typeof OPENERS]);
    }
    await pressOn(button);
  };
}
