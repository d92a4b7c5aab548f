import { saveStill } from './export/still.ts';
import { toggleFullScreen } from './panel/controls.ts';
import { byId } from './panel/dom.ts';
import type { Session } from './session.ts';
import type { ActionName } from './text.ts';

export type Actions = Record<ActionName, () => void>;

/** Returns what each button and key does. */
export function actionsOf(session: Session): Actions {
  const { loop } = session;
  /** Goes to the loop first, if it is not there yet. */
  const looped =
    (act: () => void, playing = false) =>
    () => {
      session.goLoop(playing);
      if (loop.active) act();
    };
  return {
    play: () => session.togglePlay(),
    live: () => session.goLive(),
    loop: () => session.goLoop(true),
    forward: looped(() => loop.play('forward'), true),
    backward: looped(() => loop.play('backward'), true),
    rock: looped(() => loop.play('rock'), true),
    stepForward: looped(() => loop.step(1)),
    stepBack: looped(() => loop.step(-1)),
    first: looped(() => loop.first()),
    last: looped(() => loop.last()),
    faster: () => loop.faster(1),
    slower: () => loop.faster(-1),
    longerLast: () => loop.dwell('lastDwellMs', 1),
    shorterLast: () => loop.dwell('lastDwellMs', -1),
    longerFirst: () => loop.dwell('firstDwellMs', 1),
    shorterFirst: () => loop.dwell('firstDwellMs', -1),
    more: () => loop.more(1),
    fewer: () => loop.more(-1),
    leaveOut: looped(() => loop.toggleLeftOut()),
    bringBack: () => loop.bringBack(),
    follow: () => loop.toggleFollow(),
    zone: () => session.toggleZone(),
    saveStill: () => {
      if (session.shown) saveStill(session.shown);
    },
    fullScreen: toggleFullScreen,
    help: () => byId('details').togglePopover(),
  };
}
