import { copy, linkOf } from './export/link.ts';
import type { LoopExport } from './export/loop-export.ts';
import { saveJpeg, savePng } from './export/still.ts';
import { toggleFullScreen } from './panel/controls.ts';
import { byId } from './panel/dom.ts';
import { markingNow } from './panel/marking.ts';
import type { Note } from './panel/note.ts';
import type { Wall } from './panel/wall.ts';
import type { Session } from './session.ts';
import { type ActionName, EXPORT_TEXT } from './text.ts';
import { TABLES } from './view/view.ts';

/** What each button and key does; `on` is false when a key that is held down is let go. */
export type Actions = Record<ActionName, (on: boolean) => void>;

export interface Parts {
  session: Session;
  wall: Wall;
  note: Note;
  loopExport: LoopExport;
  overlay: () => void;
  measure: () => void;
}

const ZOOM_STEP = 1.25;

export function actionsOf({ session, wall, note, loopExport, overlay, measure }: Parts): Actions {
  const { loop, view } = session;
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
    before: on => loop.active && loop.peek(on),
    mark: looped(() => loop.mark()),
    zone: () => session.toggleZone(),
    zoomIn: () => view.zoom(ZOOM_STEP),
    zoomOut: () => view.zoom(1 / ZOOM_STEP),
    panLeft: () => view.pan(-1, 0),
    panRight: () => view.pan(1, 0),
    panUp: () => view.pan(0, -1),
    panDown: () => view.pan(0, 1),
    oneToOne: () => view.oneToOne(),
    whole: () => view.whole(),
    table: () => view.setLook({ table: (view.look.table + 1) % (TABLES + 1) }),
    invert: () => view.setLook({ invert: !view.look.invert }),
    overlay,
    measure,
    saveStill: () => {
      if (session.shown) void saveJpeg(session.shown, markingNow());
    },
    savePng: () => {
      if (session.shown) void savePng(session.shown, session.times.full(session.shown), markingNow());
    },
    exportLoop: looped(() => loopExport.start()),
    copyLink: async () => {
      const link = linkOf(session);
      history.replaceState(null, '', new URL(link).hash);
      note.show((await copy(link)) ? EXPORT_TEXT.copied : EXPORT_TEXT.notCopied);
    },
    fullScreen: toggleFullScreen,
    wall: () => wall.set(!wall.on),
    help: () => byId('details').togglePopover(),
  };
}
