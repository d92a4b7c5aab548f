import { setTimeout as sleep } from 'node:timers/promises';
import { between, type Fault, GONE, LOST, NO_LINK } from '../fault.ts';
import type { Mischief } from '../faulty-link.ts';

export const links: Fault[] = (['beforeRedactor', 'beforeVisualizer'] as const).flatMap(link => {
  const where = link === 'beforeRedactor' ? 'playback → redactor' : 'redactor → visualizer';
  const reconnects = link === 'beforeRedactor' ? /redactor_reconnects/ : /visualizer_reconnects/;
  const misbehaving = (
    words: string,
    mischief: Mischief,
    seconds: number,
    more: Partial<Fault> & Pick<Fault, 'shows'>,
  ): Fault => ({
    name: `${where}: ${words}`,
    ...more,
    async inject(rig) {
      rig[link].mischief = { ...mischief };
      await sleep(1000 * seconds);
      rig[link].mend();
    },
  });
  const refused: Fault = {
    name: `${where}: cut, and refused for 4 s`,
    shows: { status: GONE, metric: reconnects, log: NO_LINK },
    async inject(rig) {
      rig[link].refuse();
      await sleep(4000);
      rig[link].mend();
    },
  };
  const flapping: Fault = {
    name: `${where}: cut in the middle of a frame, five times`,
    shows: {
      // The visualizer knows only of its own link.
      ...(link === 'beforeVisualizer' && { status: /was lost \d times/ }),
      metric: reconnects,
      log: /^the link to .* was lost \d times/,
    },
    async inject(rig, random) {
      for (let time = 0; time < 5; time += 1) {
        rig[link].mischief = { cutAfterBytes: Math.ceil(between(random, 1, 200_000)) };
        await sleep(800);
      }
      rig[link].mend();
    },
  };
  /** Each leaves something behind if anything does: 200 kB are 30 MB then. */
  const often: Fault = {
    name: `${where}: cut 150 times`,
    shows: { metric: reconnects, log: /^the link to .* was lost \d+ times/ },
    async inject(rig) {
      for (let time = 0; time < 150; time += 1) {
        await rig[link].connected();
        rig[link].cut();
      }
    },
  };
  return [
    refused,
    flapping,
    often,
    misbehaving('delayed by 0.3 s', { delayMs: 300 }, 4, { shows: LOST }),
    misbehaving('300 kB a second', { bytesPerSecond: 300_000 }, 5, { shows: LOST }),
    misbehaving('50 kB are lost', { dropBytes: 50_000 }, 2, {
      shows: {
        status: GONE,
        metric: /frames_(dropped|missed|refused)_total|reconnects/,
        log: /is connected but sends no frames|^The redactor at .* is gone/,
      },
    }),
    misbehaving('silent for 4 s, and open', { silent: true }, 4, {
      shows: {
        status: /^stalled|^disconnected|^refusing/,
        metric: /source_state\{.*state="stalled"/,
        log: /is connected but sends no frames/,
      },
    }),
    // After the redactor nothing is covered any more: what a proxy writes into the border is its own, and no picture.
    ...(link === 'beforeRedactor'
      ? [
          misbehaving('one byte in 20 kB is changed', { corruptEveryBytes: 20_000 }, 4, {
            lie: 'anything',
            quick: true,
            // Of nearly every frame it is a pixel.
            shows: {},
          }),
          misbehaving('one byte in 300 is changed', { corruptEveryBytes: 300 }, 6, {
            lie: 'anything',
            shows: {
              status: /^(refused|implausible)\.|^dropped\.upstream|^stalled|^refusing/,
              metric: /frames_refused_total|implausible|redactor_reconnects/,
              log: /refused a message|^no link to |^the link to .* was lost|implausible|which no publisher can/,
            },
          }),
        ]
      : []),
  ];
});
