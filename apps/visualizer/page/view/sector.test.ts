import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anglesOf, distanceKm, placeAt } from './fixed-grid.ts';
import { sectorOf } from './sector.ts';

/** A pixel of 2 km. */
const PIXEL = 56e-6;
const PROJ_HEIGHT_M = 35_786_023;

/** Latitude, longitude, the satellite's longitude; and what PROJ's `+proj=geos +sweep=x` makes of it, in m. */
const CONTROL = [
  [25, -80, -75, -494209.4885, 2628989.4238],
  [40, -100, -75, -1947935.149, 3852931.2461],
  [45.5, -70.25, -75, 349465.2989, 4276038.1133],
  [14.9, -61, -75, 1472800.8542, 1610478.5408],
  [52, -60, -75, 941829.5647, 4640526.5159],
  [20, -155, -75, -5096560.7224, 1884627.3246],
  [-33, -70.5, -75, 406439.8703, -3346610.2589],
  [-54, -68, -75, 422554.8222, -4754546.1424],
  [0.5, -75, -75, 0, 55286.0336],
  [64, -22, -75, 1958193.9545, 5014924.0627],
  [21.3, -157.86, -137, -2063013.3957, 2247669.935],
  [37.77, -122.42, -137, 1212850.7997, 3716315.2848],
  [47.6, -122.33, -137, 1019703.2477, 4392206.6771],
  [61.2, -149.9, -137, -622156.1062, 5052533.8805],
  [-17.5, -149.57, -137, -1305802.2774, -1880841.4671],
  [19.43, -99.13, -137, 3516045.0909, 2014417.4249],
  [-36.85, 174.76, -137, -3491264.0179, -3500917.8477],
  [5, -180, -137, -4114807.0583, 526667.3492],
  [33.45, -112.07, -137, 2140443.8096, 3341078.9205],
  [0, -137, -137, 0, 0],
] as const;

const near = (a: number, b: number, most: number, what: string) =>
  assert.ok(Math.abs(a - b) <= most, `${what}: ${a}, not ${b}`);

test('20 places are where PROJ has them, and back, to a tenth of a pixel', () => {
  for (const [lat, lon, satellite, x, y] of CONTROL) {
    const angles = anglesOf({ lat, lon }, satellite) ?? assert.fail(`${lat}, ${lon} is hidden`);
    near(angles[0], x / PROJ_HEIGHT_M, PIXEL / 10, `x of ${lat}, ${lon}`);
    near(angles[1], y / PROJ_HEIGHT_M, PIXEL / 10, `y of ${lat}, ${lon}`);
    const place = placeAt(...angles, satellite) ?? assert.fail('beside the Earth');
    near(place.lat, lat, 1e-5, 'latitude');
    near((place.lon - lon + 540) % 360, 180, 1e-5, 'longitude');
  }
});

test('the example of the users’ guide, and the centre of the sectors as NOAA’s files give it', () => {
  const example = placeAt(-0.024052, 0.09534, -75)!;
  near(example.lat, 33.846162, 1e-6, 'latitude');
  near(example.lon, -84.690932, 1e-6, 'longitude');
  const east = sectorOf('goes-east-conus')!.placeOf(0.5, 0.5)!;
  near(east.lat, 30.083002, 1e-4, 'latitude');
  near(east.lon, -87.096954, 1e-4, 'longitude');
});

test('what the Earth hides has no place in the picture, and space no place on the Earth', () => {
  assert.equal(anglesOf({ lat: 0, lon: 100 }, -75), undefined);
  assert.equal(sectorOf('goes-east-full-disk')!.placeOf(0, 0), undefined);
  assert.equal(sectorOf(null), undefined);
});

test('every sector finds the way back', () => {
  for (const name of ['goes-east-conus', 'goes-west-conus', 'goes-east-full-disk', 'goes-west-full-disk']) {
    const sector = sectorOf(name)!;
    const point = sector.pointOf(sector.placeOf(0.6, 0.55)!)!;
    near(point[0], 0.6, 1e-9, name);
    near(point[1], 0.55, 1e-9, name);
  }
});

test('four corners, also of a picture that is not upright', () => {
  const sector = sectorOf('50,-120 50,-70 20,-70 20,-120')!;
  assert.deepEqual(sector.placeOf(0.5, 0.5), { lat: 35, lon: -95 });
  const slanted = sectorOf('50,-120 45,-72 18,-68 22,-118')!;
  const point = slanted.pointOf(slanted.placeOf(0.2, 0.9)!)!;
  near(point[0], 0.2, 1e-6, 'u');
  near(point[1], 0.9, 1e-6, 'v');
});

test('the distance from Paris to New York', () => {
  near(distanceKm({ lat: 48.8566, lon: 2.3522 }, { lat: 40.7128, lon: -74.006 }), 5837, 3, 'km');
});
