import { saveStill } from './export/still.ts';
import { Controls } from './panel/controls.ts';
import { Details } from './panel/details.ts';
import { byId } from './panel/dom.ts';
import { LivenessDisplay } from './panel/liveness-display.ts';
import { Readout } from './panel/readout.ts';
import { Session } from './session.ts';

const liveness = new LivenessDisplay();
const readout = new Readout();
const details = new Details();
const session = new Session(byId<HTMLCanvasElement>('picture'), {
  drawn({ shown, last }) {
    readout.showFrame(shown ?? last);
    const { dataset } = document.documentElement;
    dataset['drawnSeq'] = String(last!.seq);
    dataset['drawLatencyMs'] = String(last!.drawnAt - last!.publishedAt);
  },
  changed(view) {
    liveness.show(view, Date.now());
    controls.show(view);
  },
  numbers(view) {
    readout.show(view);
    details.show(view);
  },
});
const controls = new Controls({
  pause: () => session.togglePause(),
  save: () => {
    const { shown } = session.view;
    if (shown) saveStill(shown);
  },
});
session.start();
