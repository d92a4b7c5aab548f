/** The JavaScript that an image holds of our TypeScript. strip.ts writes it, and verify/ compares an image with it. */
import { stripTypeScriptTypes } from 'node:module';

const IMPORT = /(\bfrom |\bimport |\bimport\()'(\.[^']+)\.ts'/g;

/** Returns the source with spaces instead of types, so that lines and columns stay the source's, and with imports of `.js`. */
export function toJavaScript(source: string): string {
  return stripTypeScriptTypes(source).replace(IMPORT, "$1'$2.js'");
}
