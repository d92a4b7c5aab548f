import { createRequire } from 'node:module';

/** Loads canvas with the first card or marking: with its libraries and fonts it takes 18 MB, and most visualizers draw neither. */
export const loadCanvas = (): typeof import('canvas') => createRequire(import.meta.url)('canvas');
