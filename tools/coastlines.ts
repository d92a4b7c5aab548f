/**
 * Usage: node tools/coastlines.ts LAND.json >FILE. Writes the page's coastlines, one a line, as encoded polylines in hundredths of a
 * degree: https://developers.google.com/maps/documentation/utilities/polylinealgorithm. LAND.json is Natural Earth as TopoJSON.
 */
import { readFileSync } from 'node:fs';

type Point = [lon: number, lat: number];
interface Topology {
  arcs: [number, number][][];
  transform: { scale: Point; translate: Point };
}

/** Degrees that a line may be off, so that the file stays below 100 kB: a pixel of a full disk. */
const TOLERANCE = 0.02;
const STEPS = 100;

const { arcs, transform } = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as Topology;
for (const arc of arcs) {
  const line = simplify(decode(arc)).map(
    ([lon, lat]): Point => [Math.round(lon * STEPS), Math.round(lat * STEPS)],
  );
  const [first] = line;
  if (line.some(([x, y]) => x !== first![0] || y !== first![1])) console.log(encode(line));
}

function decode(arc: [number, number][]): Point[] {
  let [x, y] = [0, 0];
  return arc.map(([dx, dy]) => {
    [x, y] = [x + dx, y + dy];
    const { scale, translate } = transform;
    return [x * scale[0] + translate[0], y * scale[1] + translate[1]];
  });
}

/** Douglas and Peucker's way. A closed line is cut at its farthest point first. */
function simplify(points: Point[]): Point[] {
  const [first, last] = [points[0]!, points.at(-1)!];
  let [far, most] = [0, 0];
  for (const [i, point] of points.entries()) {
    const off = distance(point, first, last);
    if (off > most) [far, most] = [i, off];
  }
  if (most <= TOLERANCE) return [first, last];
  return [...simplify(points.slice(0, far + 1)), ...simplify(points.slice(far)).slice(1)];
}

function distance([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx - ax, by - ay];
  const along = dx || dy ? ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy) : 0;
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}

function encode(line: Point[]): string {
  let [x, y] = [0, 0];
  return line
    .map(([nextX, nextY]) => {
      const text = encodeNumber(nextX - x) + encodeNumber(nextY - y);
      [x, y] = [nextX, nextY];
      return text;
    })
    .join('');
}

function encodeNumber(value: number): string {
  let rest = value < 0 ? ~(value << 1) : value << 1;
  let text = '';
  for (; rest >= 32; rest >>= 5) text += String.fromCharCode((32 | (rest & 31)) + 63);
  return text + String.fromCharCode(rest + 63);
}
