import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { placesOf } from './coastlines.ts';
import { sectorOf } from './sector.ts';

const lines = readFileSync(new URL('../public/coastlines.txt', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n');

/** Capes, in degrees. */
const CAPES = {
  'Cape Hatteras': { lat: 35.22, lon: -75.53 },
  'Cape Canaveral': { lat: 28.46, lon: -80.53 },
  'Cape Sable': { lat: 25.12, lon: -81.08 },
  'Cape Mendocino': { lat: 40.44, lon: -124.41 },
  'Point Conception': { lat: 34.45, lon: -120.47 },
};

test('capes lie on the coastlines, to a pixel of a full disk', () => {
  const sector = sectorOf('goes-east-full-disk')!;
  const pixelOf = (place: { lat: number; lon: number }) => sector.pointOf(place)?.map(part => part * 1080);
  const coast = lines.map(line => placesOf(line).map(pixelOf));
  for (const [name, place] of Object.entries(CAPES)) {
    const cape = pixelOf(place)!;
    const off = Math.min(...coast.flatMap(line => line.slice(1).map((b, i) => distance(cape, line[i], b))));
    assert.ok(off <= 1, `${name} is ${off.toFixed(2)} pixels off`);
  }
});

/** From a point to a piece of a line. */
function distance(point: number[], a: number[] | undefined, b: number[] | undefined): number {
  if (!a || !b) return Number.POSITIVE_INFINITY;
  const [dx, dy] = [b[0]! - a[0]!, b[1]! - a[1]!];
  const [px, py] = [point[0]! - a[0]!, point[1]! - a[1]!];
  const t = Math.min(1, Math.max(0, (px * dx + py * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(px - t * dx, py - t * dy);
}
