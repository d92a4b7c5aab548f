/** The GOES-R fixed grid: Product Definition and Users' Guide, volume 3, section 5.1.2.8. Angles in radians. */

/** Degrees. */
export interface Place {
  lat: number;
  lon: number;
}

const EQUATOR_M = 6_378_137;
const POLE_M = 6_356_752.31414;
/** From the centre of the Earth to the satellite. */
const HEIGHT_M = 42_164_160;
const RATIO = EQUATOR_M ** 2 / POLE_M ** 2;
const ECCENTRICITY = 1 - 1 / RATIO;
const DEGREE = Math.PI / 180;

/** Returns the place that is seen at a scan angle (x) and an elevation angle (y); undefined beside the Earth. */
export function placeAt(x: number, y: number, satelliteLon: number): Place | undefined {
  const a = Math.sin(x) ** 2 + Math.cos(x) ** 2 * (Math.cos(y) ** 2 + RATIO * Math.sin(y) ** 2);
  const b = -2 * HEIGHT_M * Math.cos(x) * Math.cos(y);
  const c = HEIGHT_M ** 2 - EQUATOR_M ** 2;
  const root = b * b - 4 * a * c;
  if (root < 0) return undefined;
  const distance = (-b - Math.sqrt(root)) / (2 * a);
  const sx = distance * Math.cos(x) * Math.cos(y);
  const sy = -distance * Math.sin(x);
  const sz = distance * Math.cos(x) * Math.sin(y);
  const lat = Math.atan((RATIO * sz) / Math.hypot(HEIGHT_M - sx, sy)) / DEGREE;
  return { lat, lon: wrap(satelliteLon - Math.atan(sy / (HEIGHT_M - sx)) / DEGREE) };
}

/** Returns the scan and the elevation angle at which a place is seen; undefined if the Earth hides it. */
export function anglesOf({ lat, lon }: Place, satelliteLon: number): [x: number, y: number] | undefined {
  const centric = Math.atan(Math.tan(lat * DEGREE) / RATIO);
  const radius = POLE_M / Math.sqrt(1 - ECCENTRICITY * Math.cos(centric) ** 2);
  const east = (lon - satelliteLon) * DEGREE;
  const sx = HEIGHT_M - radius * Math.cos(centric) * Math.cos(east);
  const sy = -radius * Math.cos(centric) * Math.sin(east);
  const sz = radius * Math.sin(centric);
  if (HEIGHT_M * (HEIGHT_M - sx) < sy * sy + RATIO * sz * sz) return undefined;
  return [Math.asin(-sy / Math.hypot(sx, sy, sz)), Math.atan(sz / sx)];
}

/** Returns the distance on a sphere, in km. */
export function distanceKm(a: Place, b: Place): number {
  const half = (degrees: number) => Math.sin((degrees * DEGREE) / 2) ** 2;
  const h = half(b.lat - a.lat) + Math.cos(a.lat * DEGREE) * Math.cos(b.lat * DEGREE) * half(b.lon - a.lon);
  return 2 * 6371 * Math.asin(Math.sqrt(h));
}

function wrap(lon: number): number {
  return ((((lon + 180) % 360) + 360) % 360) - 180;
}
