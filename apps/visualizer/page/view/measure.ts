import { MEASURE_TEXT } from '../text.ts';
import { distanceKm, type Place } from './fixed-grid.ts';

/** Measures from the place where it is called first to the place where it is called next. */
export class Measure {
  #from: Place | undefined;

  /** Returns what to say. */
  mark(place: Place | undefined): string {
    if (!place) return MEASURE_TEXT.unknown;
    const from = this.#from;
    this.#from = from ? undefined : place;
    return from ? MEASURE_TEXT.distance(distanceKm(from, place)) : MEASURE_TEXT.from(place);
  }
}
