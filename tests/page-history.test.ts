/** The history that a page loads ahead, so that a loop does not use the network. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { shows } from './support/browsers.ts';
import { history, inBrowsers } from './support/in-browsers.ts';
import { until } from './support/until.ts';

const FRAMES = 120;

/** Counts the pictures of the history that the page asks for and gets. */
const COUNT = `
  globalThis.pictures = { asked: 0, got: 0 };
  const ask = fetch;
  globalThis.fetch = async (url, ...rest) => {
    if (!/\\/loop\\/\\w+\\.jpg/.test(url)) return ask(url, ...rest);
    pictures.asked++;
    const answer = await ask(url, ...rest);
    const blob = answer.blob.bind(answer);
    answer.blob = async () => {
      const got = await blob();
      pictures.got++;
      return got;
    };
    return answer;
  };`;

inBrowsers({ size: '320x180', fps: 30, seconds: 4 }, {}, bench => {
  // A machine that is busy needs more than one round.
  before(() =>
    until(async () => (await history(bench.chain.web)).length === FRAMES, 'a full history', 60_000),
  );

  test('a page has the whole history before a loop is asked for, and then asks for none of it again', async () => {
    await using tab = await bench.open({ before: COUNT });
    const pictures = () => tab.page.evaluate('pictures') as Promise<{ asked: number; got: number }>;
    await until(async () => (await pictures()).got === FRAMES, 'the whole history', 60_000);
    await tab.becomes('live');

    await tab.act('Loop');
    await tab.becomes('loop');
    await shows(tab, '#loop-place', new RegExp(`^\\d+ / ${FRAMES}$`));
    const drawn = await tab.record();
    for (let i = 0; i < 6; i++) await tab.act('Faster');
    await until(async () => new Set((await drawn()).map(({ seq }) => seq)).size >= 60, 'a tenth of a round');
    await tab.act('First frame');
    await tab.act('Live');
    await tab.act('Loop');
    await tab.becomes('loop');
    assert.equal((await pictures()).asked, FRAMES);
  });
});
