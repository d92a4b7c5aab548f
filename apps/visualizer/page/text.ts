/** All English text of the page that is not in its HTML. */

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
  zone: ['UTC or local time', 'Z'],
  saveStill: ['Save a still', 'S'],
  fullScreen: ['Full screen', 'F'],
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
