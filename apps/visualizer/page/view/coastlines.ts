import { addressOf } from '../live/address.ts';
import type { Place } from './fixed-grid.ts';

const STEPS = 100;

/** Loads the coastlines of Natural Earth, each as the places along it. */
export async function loadCoastlines(): Promise<Place[][]> {
  const answer = await fetch(addressOf('coastlines.txt'));
  return answer.ok ? (await answer.text()).trimEnd().split('\n').map(placesOf) : [];
}

/** Decodes a line, the way tools/coastlines.ts encodes it: steps of longitude and latitude, five bits a character. */
export function placesOf(line: string): Place[] {
  const places: Place[] = [];
  let at = 0;
  const next = () => {
    let [value, shift, bits] = [0, 0, 0];
    do {
      bits = line.charCodeAt(at++) - 63;
      value |= (bits & 31) << shift;
      shift += 5;
    } while (bits >= 32);
    return value & 1 ? ~(value >> 1) : value >> 1;
  };
  let [lon, lat] = [0, 0];
  while (at < line.length) {
    lon += next();
    lat += next();
    places.push({ lat: lat / STEPS, lon: lon / STEPS });
  }
  return places;
}
