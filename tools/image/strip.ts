/**
 * Usage: strip.ts FOLDER. Turns the TypeScript under it into the JavaScript that Node makes of it at each start: types
 * become spaces, so every line and column in a journal is still the source's. Without Node's own stripper loaded a
 * process holds 23 MB less and starts with 80 ms less of CPU, and so does each of the pod's health checks.
 */
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';

const IMPORT = /(\bfrom |\bimport |\bimport\()'(\.[^']+)\.ts'/g;

for (const file of globSync(`${process.argv[2]}/**/*.ts`)) {
  if (!file.endsWith('.d.ts')) {
    const javascript = stripTypeScriptTypes(readFileSync(file, 'utf8')).replace(IMPORT, "$1'$2.js'");
    writeFileSync(file.replace(/\.ts$/, '.js'), javascript);
  }
  rmSync(file);
}
