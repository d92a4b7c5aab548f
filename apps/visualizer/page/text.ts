/** All that the page's scripts say, in English. What it says before any of them runs is in index.html, and no text is elsewhere. */
import type { Status } from '../messages.js';
import type { State } from './live/liveness.ts';
import { duration, NONE, number } from './panel/format.ts';

/** What can be done, and the keys for it; the first key is the one that buttons name. */
export const ACTIONS = {
  play: ['Play or pause', 'Space'],
  live: ['Live', 'L'],
  loop: ['Loop', 'O'],
  forward: ['Forward', 'D'],
  backward: ['Backward', 'A'],
  rock: ['Rock', 'R'],
  stepForward: ['Step forward', 'ArrowRight'],
  stepBack: ['Step back', 'ArrowLeft'],
  first: ['First frame', 'Ctrl+ArrowLeft', 'Home'],
  last: ['Last frame', 'Ctrl+ArrowRight', 'End'],
  faster: ['Faster', 'PageUp'],
  slower: ['Slower', 'PageDown'],
  longerLast: ['Longer dwell on the last frame', 'K'],
  shorterLast: ['Shorter dwell on the last frame', 'J'],
  longerFirst: ['Longer dwell on the first frame', 'Shift+K'],
  shorterFirst: ['Shorter dwell on the first frame', 'Shift+J'],
  more: ['More frames', 'N'],
  fewer: ['Fewer frames', 'Shift+N'],
  leaveOut: ['Leave the frame out', 'X'],
  bringBack: ['Bring all frames back', 'Shift+X'],
  follow: ['Follow new frames or keep my place', 'T'],
  before: ['Before (hold)', 'B'],
  mark: ['Make this the frame before', 'Shift+B'],
  zone: ['UTC or local time', 'Z'],
  zoomIn: ['Zoom in', '+', '='],
  zoomOut: ['Zoom out', '-'],
  panLeft: ['Pan left', 'Shift+ArrowLeft'],
  panRight: ['Pan right', 'Shift+ArrowRight'],
  panUp: ['Pan up', 'ArrowUp', 'Shift+ArrowUp'],
  panDown: ['Pan down', 'ArrowDown', 'Shift+ArrowDown'],
  oneToOne: ['1:1 pixels', '1'],
  whole: ['Whole picture', '0'],
  table: ['Colour table', 'C'],
  invert: ['Invert', 'V'],
  overlay: ['Map overlay', 'M'],
  measure: ['Measure a distance', 'G'],
  saveStill: ['Save a still', 'S'],
  savePng: ['Save as PNG with its time', 'Shift+S'],
  exportLoop: ['Export the loop', 'E'],
  copyLink: ['Copy the link', 'U'],
  fullScreen: ['Full screen', 'F'],
  wall: ['Wall mode', 'W'],
  help: ['Details and keys', '?', 'I'],
} satisfies Record<string, [label: string, ...keys: string[]]>;

export type ActionName = keyof typeof ACTIONS;

/** The word for each state of the picture. */
export const STATE_WORDS: Record<State, string> = {
  connecting: 'Connecting',
  waiting: 'Waiting',
  live: 'Live',
  delayed: 'Delayed',
  stalled: 'Stalled',
  disconnected: 'Source lost',
  reconnecting: 'Reconnecting',
  refusing: 'Refusing',
  full: 'Full',
  ended: 'Ended',
  paused: 'Paused',
  loop: 'Loop',
  resuming: 'Resuming',
  hidden: 'Resting',
};

/** The sentence for each, where the server's own does not say more. */
export const STATE_TEXT = {
  connecting: 'Waiting for the first picture.',
  loop: 'Past pictures, not live.',
  paused: 'The picture is held.',
  hidden: 'This tab is hidden and has closed its stream.',
  full: (max: number | undefined) =>
    `${max === 1 ? 'The only place is' : `All ${max ?? 'the'} places are`} taken. Trying again until one is free.`,
  lost: 'The connection to the visualizer is lost. Trying again.',
  silent: 'Nothing arrives from the visualizer. Trying again.',
  unseen: 'The server has newer frames, but none of them reaches this screen.',
  resuming: 'Going on with the live picture.',
  delayed: (ms: number) => `This connection runs ${(ms / 1000).toFixed(1)} s behind.`,
  polling: 'The network holds the stream back, so stills are asked for one by one.',
  live: 'The picture is live.',
};

export const AGE_TEXT = {
  card: (age: string) => `Last picture ${age} ago`,
  badge: (word: string, time: string, age: string) => `${word} at ${time} UTC · ${age} ago`,
};

export const TIME_TEXT = {
  inClip: (position: string) => `${position} into the clip`,
};

export const LOOP_TEXT = {
  place: (place: number, playable: number, all: number) =>
    playable < all ? `${place} / ${playable} of ${all}` : `${place} / ${all}`,
  kept: (count: number) => `${count} kept`,
  speed: (speed: number) => `${speed}×`,
  dwell: (ms: number) => `${ms / 1000} s`,
  count: (count: number, kept: number) => (count < kept ? `${count} newest` : `all ${kept}`),
  badge: (time: string) => `Loop · ${time} · not live`,
};

/** What a button that changes its meaning is called. */
export const PLAY_TEXT = { pause: 'Pause', resume: 'Resume', play: 'Play' };

export const TABLE_NAMES = ['as sent', 'cloud tops', 'warm and cold'];

export const POINTER_TEXT = (x: number, y: number, grey: number, place: string) =>
  `x ${x}  y ${y}  grey ${grey}${place && `  ${place}`}`;

/** Returns a place as people write it, e.g. `33.85° N 84.69° W`. */
export function placeText({ lat, lon }: { lat: number; lon: number }): string {
  const angle = (degrees: number, [plus, minus]: string) =>
    `${Math.abs(degrees).toFixed(2)}° ${degrees < 0 ? minus : plus}`;
  return `${angle(lat, 'NS')} ${angle(lon, 'EW')}`;
}

export const MEASURE_TEXT = {
  from: (place: { lat: number; lon: number }) => `From ${placeText(place)}; press again at the other end.`,
  distance: (km: number) => `${Math.round(km)} km`,
  unknown: 'The place of this picture is not known: CLIP_SECTOR is not set, or this is not the Earth.',
};

export const GRAPH_TEXT = {
  fps: (most: string) => `Rate in the last minute, up to ${most} fps`,
  latency: (most: string) => `Latency in the last minute, up to ${most} ms`,
};

export const EXPORT_TEXT = {
  progress: (done: number) => `Exporting the loop: ${Math.round(done * 100)} %`,
  saved: 'The loop is saved.',
  failed: 'This browser could not export the loop.',
  copied: 'The link is copied.',
  notCopied: 'The browser did not allow it; the link is in the address bar.',
};

/** Each row of the panel of details: its name, and its text from the server's status. */
export const DETAILS: Record<string, (status: Status) => string> = {
  Source: ({ source }) => source.address,
  Picture: ({ source }) =>
    source.width === null ? NONE : `${source.width} × ${source.height}, ${source.format}`,
  'Rate in, out': ({ fps }) => `${number(fps.in, 1)}, ${number(fps.out, 1)} fps`,
  'Server latency': ({ latencyMs }) => `${number(latencyMs.p50, 1)} ms, p99 ${number(latencyMs.p99, 1)} ms`,
  Dropped: ({ dropped }) =>
    `${dropped.upstream} upstream, ${dropped.encoder} encoder, ${dropped.viewer} viewers`,
  Refused: ({ refused }) => {
    const reasons = Object.entries(refused).filter(([, count]) => count > 0);
    return reasons.map(([reason, count]) => `${count} ${reason}`).join(', ') || 'none';
  },
  Viewers: ({ viewers }) => `${viewers.now} of ${viewers.max}, ${viewers.mjpeg} by MJPEG`,
  Server: ({ version, node, uptimeSeconds }) =>
    `${version} on Node ${node.replace(/^v/, '')}, up ${duration(uptimeSeconds * 1000)}`,
};

/** The row of what this page has not drawn. */
export const NOT_DRAWN = ({ skipped, broken }: { skipped: number; broken: number }): [string, string] => [
  'Not drawn here',
  `${skipped} overtaken, ${broken} unreadable`,
];
