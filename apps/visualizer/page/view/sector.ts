import { anglesOf, type Place, placeAt } from './fixed-grid.ts';

/** Where a picture lies on the Earth. Points of the picture are 0 to 1 from its upper left corner. */
export interface Sector {
  placeOf(u: number, v: number): Place | undefined;
  pointOf(place: Place): [u: number, v: number] | undefined;
}

const EAST = -75;
const WEST = -137;
/** The edges of the sectors in radians: left, right, top, bottom. */
const CONUS_EAST = [-0.10136, 0.03864, 0.12824, 0.04424] as const;
const CONUS_WEST = [-0.07, 0.07, 0.12824, 0.04424] as const;
const FULL_DISK = [-0.151872, 0.151872, 0.151872, -0.151872] as const;

const SECTORS: Record<string, Sector> = {
  'goes-east-conus': fixedGrid(EAST, CONUS_EAST),
  'goes-west-conus': fixedGrid(WEST, CONUS_WEST),
  'goes-east-full-disk': fixedGrid(EAST, FULL_DISK),
  'goes-west-full-disk': fixedGrid(WEST, FULL_DISK),
};

/** Returns the sector that CLIP_SECTOR names: by its name, or by its corners from the upper left one on, clockwise. */
export function sectorOf(text: string | null | undefined): Sector | undefined {
  if (!text) return undefined;
  const corners = text.split(' ').map(corner => corner.split(',').map(Number));
  return SECTORS[text] ?? (corners.length === 4 ? between(corners as [number, number][]) : undefined);
}

function fixedGrid(
  lon: number,
  [left, right, top, bottom]: readonly [number, number, number, number],
): Sector {
  return {
    placeOf: (u, v) => placeAt(left + u * (right - left), top + v * (bottom - top), lon),
    pointOf(place) {
      const angles = anglesOf(place, lon);
      return angles && [(angles[0] - left) / (right - left), (angles[1] - top) / (bottom - top)];
    },
  };
}

/** A picture in which latitude and longitude run evenly between the corners. */
function between(corners: [lat: number, lon: number][]): Sector {
  const at = (u: number, v: number, axis: 0 | 1) => {
    const [upperLeft, upperRight, lowerRight, lowerLeft] = corners.map(corner => corner[axis]) as [
      number,
      number,
      number,
      number,
    ];
    return (1 - v) * ((1 - u) * upperLeft + u * upperRight) + v * ((1 - u) * lowerLeft + u * lowerRight);
  };
  return {
    placeOf: (u, v) => ({ lat: at(u, v, 0), lon: at(u, v, 1) }),
    pointOf({ lat, lon }) {
      let [u, v] = [0.5, 0.5];
      // Newton's method: exact at once for a rectangle.
      for (let i = 0; i < 8; i++) {
        const off = [lat - at(u, v, 0), lon - at(u, v, 1)] as const;
        const slope = (axis: 0 | 1) =>
          [at(1, v, axis) - at(0, v, axis), at(u, 1, axis) - at(u, 0, axis)] as const;
        const [latU, latV] = slope(0);
        const [lonU, lonV] = slope(1);
        const determinant = latU * lonV - latV * lonU;
        if (determinant === 0) return undefined;
        u += (off[0] * lonV - latV * off[1]) / determinant;
        v += (latU * off[1] - off[0] * lonU) / determinant;
      }
      return [u, v];
    },
  };
}
