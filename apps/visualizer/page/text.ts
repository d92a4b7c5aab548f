/** The English text of the page, except what its HTML says. */

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

/** Shown where there is no number. */
export const NONE = '–';

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
