import { ServerClock } from './clock.ts';
import { Controls } from './controls.ts';
import { byId } from './dom.ts';
import { stillName } from './format.ts';
import type { Status } from './messages.ts';
import { lateness } from './meters.ts';
import { type Drawn, Picture } from './picture.ts';
import { Details, Readout } from './readout.ts';
import { Sign } from './sign.ts';
import { type Facts, judge, type Link, type Signal } from './signal.ts';
import { Stream } from './stream.ts';

const REFRESH_MS = 200;
/** Two clocks may drift apart by some 15 ms in that time. */
const SET_CLOCK_MS = 5 * 60_000;
const root = document.documentElement;

let link: Link = 'closed';
let status: Status | undefined;
let paused: Facts['paused'] = 'no';
let last: Drawn | undefined;
/** Whether the picture is of this connection, and from after it was last not live. */
let drawn = false;
let unseenSince: number | undefined;
/** As the page's HTML begins. */
let signal: Signal = { state: 'connecting', label: 'Connecting', message: '', picture: false };

const clock = new ServerClock();
const sign = new Sign();
const readout = new Readout();
const details = new Details();
const controls = new Controls({ pause: togglePause, save: saveStill });
const picture = new Picture(byId<HTMLCanvasElement>('picture'), onDrawn);
const stream = new Stream('stream', {
  frame: data => picture.offer(data),
  status: onStatus,
  link: onLink,
});

document.addEventListener('visibilitychange', follow);
setInterval(() => {
  if (!document.hidden) refresh();
}, REFRESH_MS);
setInterval(() => {
  if (link === 'open') void clock.set();
}, SET_CLOCK_MS);
follow();

/** Holds the stream only while somebody watches: a browser has but six connections for all tabs of a host. */
function follow(): void {
  if (document.hidden || paused === 'yes') {
    stream.close();
    readout.reset();
  } else {
    stream.open();
  }
  refresh();
}

function onLink(next: Link): void {
  // Asked before frames fill the line; and again after an absence, in which a browser's clock may have slept.
  if (next === 'connecting' || (next === 'open' && link !== 'connecting')) void clock.set();
  link = next;
  if (next !== 'open') forget();
  if (next === 'connecting' || next === 'lost' || next === 'closed') status = undefined;
  unseenSince = undefined;
  update();
}

function onStatus(next: Status): void {
  status = next;
  void clock.check(next.time);
  const { width, height, sequence } = next.source;
  if (width && height) shape(width, height);
  if (next.state !== 'live') forget();
  if (next.state !== 'live' || sequence === null || sequence === last?.seq) unseenSince = undefined;
  else unseenSince ??= performance.now();
  update();
}

/** What is drawn or being decoded belongs to the past: only a frame that comes from now on may pass for live. */
function forget(): void {
  drawn = false;
  picture.hold();
}

function onDrawn(next: Drawn): void {
  last = next;
  drawn = true;
  unseenSince = undefined;
  paused = 'no';
  shape(next.width, next.height);
  const [nowMs, serverNow] = [performance.now(), clock.now()];
  readout.drawn(
    next,
    nowMs,
    serverNow === undefined ? undefined : lateness(serverNow - next.publishedAt, nowMs - stream.askedMs),
  );
  root.dataset['drawnSeq'] = String(next.seq);
  root.dataset['drawLatencyMs'] = String(next.drawnAt - next.publishedAt);
  if (signal.state !== 'live') update();
}

/** Judges anew and shows it: cheap enough for every change. */
function update(): void {
  const unseenForMs = unseenSince === undefined ? 0 : performance.now() - unseenSince;
  const latencyMs = readout.latencyMs;
  const before = signal.state;
  signal = judge({ hidden: document.hidden, paused, link, status, drawn, unseenForMs, latencyMs, before });
  // Whatever comes between the wish to go on and the next picture ends the pause as well.
  if (paused === 'ending' && signal.state !== 'resuming') paused = 'no';
  sign.show(signal, last, Date.now());
  controls.show({ paused: paused === 'yes', picture: signal.picture });
  if (signal.state !== before) showNumbers();
}

function refresh(): void {
  update();
  showNumbers();
}

function showNumbers(): void {
  // A silent link keeps its status to go on with, but what that says is past.
  const current = link === 'open' || link === 'full' ? status : undefined;
  readout.refresh(current, signal.picture ? last : undefined, performance.now());
  details.refresh(current, picture);
}

/** Lays the picture's place out for its proportions before it is there. */
function shape(width: number, height: number): void {
  const ratio = String(width / height);
  if (root.style.getPropertyValue('--ratio') !== ratio) root.style.setProperty('--ratio', ratio);
}

function togglePause(): void {
  if (paused === 'yes') paused = 'ending';
  else if (signal.picture) paused = 'yes';
  else return;
  follow();
}

function saveStill(): void {
  if (!last || !signal.picture) return;
  const anchor = document.createElement('a');
  anchor.href = URL.createObjectURL(last.jpeg);
  anchor.download = stillName(last.publishedAt, last.seq);
  anchor.click();
  // The download holds the bytes from the click on.
  setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000);
}
