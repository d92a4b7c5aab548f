import { actionsOf } from './actions.ts';
import { bindActions } from './panel/bindings.ts';
import { Controls } from './panel/controls.ts';
import { Details } from './panel/details.ts';
import { byId } from './panel/dom.ts';
import { LivenessDisplay } from './panel/liveness-display.ts';
import { LoopPanel } from './panel/loop-panel.ts';
import { Readout } from './panel/readout.ts';
import { Session } from './session.ts';
import { Screen } from './view/screen.ts';

const liveness = new LivenessDisplay();
const readout = new Readout();
const details = new Details();
const controls = new Controls();
const session = new Session(new Screen(byId<HTMLCanvasElement>('picture')), {
  drawn(shown) {
    readout.showFrame(session, shown);
    const { dataset } = document.documentElement;
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
  },
});
const loopPanel = new LoopPanel(session);
bindActions(actionsOf(session));
session.start();
