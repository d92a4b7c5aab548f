import type { LoopFrame } from '../../messages.js';
import type { Direction } from '../loop/sequence.ts';
import type { Session } from '../session.ts';

/** Returns the address of this very view: the frame, how the loop runs, the zoom and the look. */
export function linkOf(session: Session): string {
  const { loop, view, times } = session;
  const { settings, current } = loop;
  const { viewport, look } = view;
  const facts: Record<string, string | number | boolean> = {
    mode: loop.active ? 'loop' : 'live',
    ...(current && { id: current.id, at: current.validAt ?? '', pos: current.position ?? '' }),
    play: loop.playing,
    dir: settings.direction,
    speed: settings.speed,
    first: settings.firstDwellMs,
    last: settings.lastDwellMs,
    n: Number.isFinite(settings.count) ? settings.count : 'all',
    follow: settings.follow,
    out: [...loop.leftOut].join(),
    view: [viewport.zoom, viewport.x, viewport.y].map(value => Number(value.toFixed(6))).join(),
    look: [look.brightness, look.contrast, Number(look.invert), look.table, Number(look.map)].join(),
    local: times.local,
    wall: document.documentElement.classList.contains('wall'),
  };
  const text = Object.entries(facts).map(([name, value]) => [name, String(value)]);
  // Without the credentials that the page's own address may have.
  const { origin, pathname, search } = location;
  return `${origin}${pathname}${search}#${new URLSearchParams(text)}`;
}

/** Opens the view that the page's address names, as far as it is still there. */
export function openLink(session: Session, wall: () => void): void {
  const facts = new URLSearchParams(location.hash.slice(1));
  const { loop, view, times, history } = session;
  const { settings } = loop;
  const numbers = (name: string) => (facts.get(name) ?? '').split(',').map(Number);
  const positive = (name: string, otherwise: number) => {
    const value = Number(facts.get(name) ?? Number.NaN);
    return value >= 0 ? value : otherwise;
  };
  settings.speed = Math.min(Math.max(positive('speed', settings.speed), 0.1), 8);
  settings.firstDwellMs = positive('first', settings.firstDwellMs);
  settings.lastDwellMs = positive('last', settings.lastDwellMs);
  settings.count = positive('n', settings.count) || settings.count;
  settings.follow = facts.get('follow') !== 'false';
  times.local = facts.get('local') === 'true';
  if (DIRECTIONS.has(facts.get('dir') ?? '')) settings.direction = facts.get('dir') as Direction;
  for (const id of facts.get('out')?.split(',') ?? []) if (id) loop.leftOut.add(id);
  const [zoom = 0, x = 0, y = 0] = numbers('view');
  if (zoom > 0 && x + y >= 0) view.move({ zoom, x, y });
  const [brightness = 0, contrast = 0, invert, table = 0, map = 1] = numbers('look');
  if (brightness > 0 && contrast > 0)
    view.setLook({ brightness, contrast, invert: invert === 1, table, map: map === 1 });
  if (facts.get('wall') === 'true') wall();
  if (facts.get('mode') === 'loop') {
    void history.listed.then(() => {
      const same = (name: string, value: (frame: LoopFrame) => unknown) =>
        facts.get(name) ? history.frames.find(frame => String(value(frame)) === facts.get(name)) : undefined;
      const frame =
        same('id', ({ id }) => id) ??
        same('at', ({ validAt }) => validAt) ??
        same('pos', ({ position }) => position);
      session.goLoop(facts.get('play') === 'true', frame?.id);
    });
  }
}

const DIRECTIONS: ReadonlySet<string> = new Set(['forward', 'backward', 'rock']);

/** Copies a text; without a secure connection only the old way is there. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement('textarea');
    field.value = text;
    document.body.append(field);
    field.select();
    const copied = document.execCommand('copy');
    field.remove();
    return copied;
  }
}
