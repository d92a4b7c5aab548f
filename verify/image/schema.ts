/** The official schema of CycloneDX 1.6 and the list of SPDX, as @cyclonedx/cyclonedx-library ships them. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { SPDX } from '@cyclonedx/cyclonedx-library';
import { Ajv, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import parseSpdx from 'spdx-expression-parse';

const SCHEMAS = join(
  dirname(createRequire(import.meta.url).resolve('@cyclonedx/cyclonedx-library/package.json')),
  'res/schema',
);

let validator: ValidateFunction | undefined;

/** Returns a document's faults, one a line; none if it is valid. */
export function schemaFaults(document: unknown): string[] {
  validator ??= compile();
  if (validator(document)) return [];
  return (validator.errors ?? []).map(({ instancePath, message }) => `${instancePath || '/'} ${message}`);
}

function compile(): ValidateFunction {
  const read = (name: string) => JSON.parse(readFileSync(join(SCHEMAS, name), 'utf8'));
  const ajv = new Ajv({ strict: false, allErrors: true });
  formats.default(ajv);
  // Internationalised formats that ajv-formats lacks and our documents do not use.
  for (const format of ['iri-reference', 'idn-email']) ajv.addFormat(format, true);
  for (const name of ['spdx', 'jsf-0.82', 'cryptography-defs']) {
    const file = `${name}.SNAPSHOT.schema.json`;
    ajv.addSchema(read(file), `http://cyclonedx.org/schema/${file}`);
  }
  return ajv.compile(read('bom-1.6.SNAPSHOT.schema.json'));
}

export const isSpdxId = SPDX.isSupportedSpdxId;

export function isSpdxExpression(text: string): boolean {
  try {
    parseSpdx(text);
    return true;
  } catch {
    return false;
  }
}
