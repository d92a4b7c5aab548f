/** Which part of the picture is seen. */
export interface Viewport {
  /** 1 shows the whole picture. */
  zoom: number;
  /** The point of the picture in the middle of the window, 0 to 1. */
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

/** The window, and the picture's size in it at zoom 1, both in CSS pixels. */
export interface Room {
  window: Size;
  whole: Size;
}

export const WHOLE: Readonly<Viewport> = { zoom: 1, x: 0.5, y: 0.5 };
const MAX_ZOOM = 32;

/** Returns the viewport zoomed by a factor, with the point at `dx`, `dy` from the window's middle staying where it is. */
export function zoomAt(view: Viewport, factor: number, dx: number, dy: number, room: Room): Viewport {
  const zoom = Math.min(Math.max(view.zoom * factor, Math.min(1, view.zoom)), MAX_ZOOM);
  const shift = 1 / view.zoom - 1 / zoom;
  return clamp(
    {
      zoom,
      x: view.x + (dx / room.whole.width) * shift,
      y: view.y + (dy / room.whole.height) * shift,
    },
    room,
  );
}

/** Returns the viewport moved by CSS pixels: a positive `dx` shows what lies to the left. */
export function panBy(view: Viewport, dx: number, dy: number, room: Room): Viewport {
  const { zoom } = view;
  return clamp(
    { zoom, x: view.x - dx / (zoom * room.whole.width), y: view.y - dy / (zoom * room.whole.height) },
    room,
  );
}

/** Returns the viewport with its middle moved so that the picture fills the window, as far as it can. */
export function clamp({ zoom, x, y }: Viewport, { window, whole }: Room): Viewport {
  const within = (middle: number, seen: number) =>
    seen >= 1 ? 0.5 : Math.min(Math.max(middle, seen / 2), 1 - seen / 2);
  return {
    zoom,
    x: within(x, window.width / (zoom * whole.width)),
    y: within(y, window.height / (zoom * whole.height)),
  };
}

/** Returns the point of the picture, 0 to 1, at `dx`, `dy` from the window's middle. */
export function pointAt({ zoom, x, y }: Viewport, dx: number, dy: number, { whole }: Room): [number, number] {
  return [x + dx / (zoom * whole.width), y + dy / (zoom * whole.height)];
}

/** Returns where a point of the picture lies, in CSS pixels from the window's middle. */
export function placeOf({ zoom, x, y }: Viewport, u: number, v: number, { whole }: Room): [number, number] {
  return [(u - x) * zoom * whole.width, (v - y) * zoom * whole.height];
}
