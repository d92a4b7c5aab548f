import { actionsOf } from './actions.ts';
import { openLink } from './export/link.ts';
import { LoopExport } from './export/loop-export.ts';
import { bindActions } from './panel/bindings.ts';
import { Controls } from './panel/controls.ts';
import { Details } from './panel/details.ts';
import { byId } from './panel/dom.ts';
import { LivenessDisplay } from './panel/liveness-display.ts';
import { LoopPanel } from './panel/loop-panel.ts';
import { MarkingDisplay } from './panel/marking.ts';
import { Note } from './panel/note.ts';
import { Pointer } from './panel/pointer.ts';
import { Readout } from './panel/readout.ts';
import { ViewPanel } from './panel/view-panel.ts';
import { Wall } from './panel/wall.ts';
import { Session } from './session.ts';
import { Measure } from './view/measure.ts';
import { Overlay } from './view/overlay.ts';
import { Screen } from './view/screen.ts';
import { sectorOf } from './view/sector.ts';
import { View } from './view/view.ts';

const root = document.documentElement;
// fallback.js has put the picture there as MJPEG.
if (!root.classList.contains('old')) start();

function start(): void {
  const liveness = new LivenessDisplay();
  const marking = new MarkingDisplay();
  const readout = new Readout();
  const details = new Details();
  const controls = new Controls();
  const note = new Note();
  const wall = new Wall();
  const screen = new Screen(byId<HTMLCanvasElement>('picture'));
  const pointer = new Pointer(screen);
  const view = new View(byId('stage'), byId('frame'), screen, {
    changed: () => {
      viewPanel.show();
      drawOverlay();
    },
    pointed: point => pointer.at(point),
    step: by => actions[by > 0 ? 'stepForward' : 'stepBack'](true),
  });
  const session = new Session(screen, view, {
    drawn(shown) {
      readout.showFrame(session, shown);
      const { dataset } = root;
      dataset['drawnSeq'] = String(shown.seq);
      if (shown.publishedAt) dataset['drawLatencyMs'] = String(Date.now() - shown.publishedAt);
    },
    changed() {
      liveness.show(session, Date.now());
      controls.show(session);
      loopPanel.show();
    },
    numbers() {
      readout.show(session);
      details.show(session);
      pointer.sector = sectorOf(session.watch.status?.sector) ?? pointer.sector;
      pointer.refresh();
      drawOverlay();
      marking.show(session.watch.status);
      wall.check(session.watch.status);
    },
  });
  const loopPanel = new LoopPanel(session);
  const viewPanel = new ViewPanel(session);
  const loopExport = new LoopExport(session, text => note.show(text));
  const overlay = new Overlay(byId<HTMLCanvasElement>('overlay'), view, screen);
  const measure = new Measure();
  const drawOverlay = () =>
    overlay.draw(pointer.sector, session.shown !== undefined, session.watch.status?.mask);
  const actions = actionsOf({
    ...{ session, wall, note, loopExport },
    overlay: () => view.setLook({ map: !view.look.map }),
    measure: () => note.show(measure.mark(pointer.place)),
  });
  bindActions(actions);
  session.start();
  openLink(session, () => wall.set(true));
  root.dataset['started'] = '';
}
