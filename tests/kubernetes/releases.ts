import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { Declarations, type JsonSchema } from './declarations.ts';
import type { Manifest } from './manifests.ts';
import { folderOf, type Package } from './packages.ts';

/** The clients of Kubernetes' own project, each generated from the OpenAPI document of one release. */
export const KUBERNETES: Record<string, Package> = {
  '1.34': {
    name: '@kubernetes/client-node',
    version: '1.4.0',
    integrity: 'Zge3YvF7DJi264dU1b3wb/GmzR99JhUpqTvp+VGHfwZT+g7EOOYNScDJNZwXy9cszyIGPIs0VHr+kk8e95qqrA==',
  },
  '1.36': {
    name: '@kubernetes/client-node',
    version: '2.0.1',
    integrity: 'evJgmEtgArEYlj6DNkMGjK41IrFK/hEwb5lWVxx0VRBWybQpnvi+2TtA19mLgVfRHfqX5yjHObX6e9W7LEZBjw==',
  },
};
/** Generated from the Go types that the custom resources are defined by. */
const CUSTOM: Record<string, Package> = {
  'keda.sh': {
    name: '@kubernetes-models/keda',
    version: '2.0.0',
    integrity: 'iqDohrzL51UXD6zM+Rl4RDnZ9Q7jwgikXYrDCxL0sWA5ZTFa7nMfS4Exu2uK6ohA+OUNQMUIFWORAHNpz5qlFw==',
  },
  'gateway.networking.k8s.io': {
    name: '@kubernetes-models/gateway-api',
    version: '2.0.0',
    integrity: 'e7SY7EkCGRHy5wHkaGhP32v7V1L+gBalfoqZDFDWn5k9Q7+IW6uz9jNWgOZ9R/Hv5NWyAFYaA01ET2qsysVt5A==',
  },
};

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

/** Returns what is wrong with an object, in the words of the schema of its kind. */
export type Check = (object: Manifest) => string[];

/** Returns the check of one release of Kubernetes. Custom resources have their own releases. */
export function releaseCheck(release: string): Check {
  return check(({ apiVersion, kind }) => {
    const [version, group = 'core'] = apiVersion.split('/').reverse();
    const custom = CUSTOM[group];
    if (custom) return schemaIn(join(folderOf(custom), group, version, `${kind}.d.ts`), `I${kind}`);
    const folder = join(folderOf(KUBERNETES[release]!), 'dist/gen');
    const [api = ''] = group.split('.');
    const methods = join(folder, `apis/${capital(api)}${capital(version)}Api.d.ts`);
    if (
      !existsSync(methods) ||
      !new RegExp(`create(Namespaced)?${kind}\\(`).test(readFileSync(methods, 'utf8'))
    )
      return undefined;
    const name = `${capital(version)}${kind}`;
    return schemaIn(join(folder, `models/${name}.d.ts`), name);
  });
}

/**
 * Returns the check of a folder of schemas as https://github.com/yannh/kubernetes-json-schema publishes them, e.g.
 * `v1.36.0-standalone-strict`. It has no custom resources.
 */
export function publishedCheck(folder: string): Check {
  const definitions = join(folder, '_definitions.json');
  const shared = existsSync(definitions) ? [JSON.parse(readFileSync(definitions, 'utf8'))] : [];
  return check(({ apiVersion, kind }) => {
    const [version, group] = apiVersion.split('/').reverse();
    if (group && CUSTOM[group]) return {};
    const name = [kind, ...(group ? [group.split('.')[0]] : []), version].join('-').toLowerCase();
    const file = join(folder, `${name}.json`);
    return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  }, shared);
}

function schemaIn(file: string, name: string): JsonSchema | undefined {
  return existsSync(file) ? new Declarations().schemaOf(file, name) : undefined;
}

function check(schemaOf: (object: Manifest) => JsonSchema | undefined, shared: JsonSchema[] = []): Check {
  const compiled = new Map<string, ValidateFunction>();
  return object => {
    const key = `${object.apiVersion} ${object.kind}`;
    let validate = compiled.get(key);
    if (!validate) {
      const schema = schemaOf(object);
      if (!schema) return [`there is no ${key}`];
      const ajv = new Ajv2020({ allErrors: true, strict: false, validateFormats: false, schemas: shared });
      validate = ajv.compile(schema);
      compiled.set(key, validate);
    }
    if (validate(object)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) =>
        `${instancePath} ${message}${params['additionalProperty'] ? `: ${params['additionalProperty']}` : ''}`,
    );
  };
}
