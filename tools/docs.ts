/** `npm run docs`: writes what the documentation and the units say of the settings from the services' schemas. */
import { writeFile } from 'node:fs/promises';
import { documents, fileOf } from './documents.ts';

for (const { path, before, after } of await documents()) {
  if (after === before) continue;
  await writeFile(fileOf(path), after);
  console.log(`wrote ${path}`);
}
