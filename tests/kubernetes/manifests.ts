/** What kubectl makes of the folders in kubernetes/. It needs kubectl, which Debian has from 13 on, and no cluster. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

// biome-ignore lint/suspicious/noExplicitAny: manifests of many kinds
export type Manifest = any;

export const FOLDER = join(import.meta.dirname, '../../kubernetes');
/** For a cluster, each with all that is below it. */
export const OVERLAYS = ['relays', 'autoscaling', 'keda', 'ingress', 'gateway'].map(
  name => `overlays/${name}`,
);
/** For `podman kube play`. */
export const SINGLE_HOST = 'overlays/single-host';
export const ALL = ['base', ...OVERLAYS, SINGLE_HOST];

/** Returns the YAML of a folder, which may be anywhere. */
export const renderText = (folder: string): string =>
  execFileSync('kubectl', ['kustomize', folder], { encoding: 'utf8' });

/** Returns the objects of a folder. kubectl itself turns its YAML into JSON. */
export function render(path: string, folder = join(FOLDER, path)): Manifest[] {
  const args = ['patch', '--local', '-f', '-', '--type=merge', '-p', '{}', '-o', 'json'];
  const text = execFileSync('kubectl', args, { input: renderText(folder), encoding: 'utf8' });
  return JSON.parse(`[${text.trim().replaceAll(/^\}\n\{/gm, '},{')}]`);
}

export const podsOf = (objects: Manifest[]): Manifest[] =>
  objects.filter(({ kind }) => kind === 'Deployment').map(({ spec }) => spec.template);

/** Returns the one object of a kind and name. */
export function find(objects: Manifest[], kind: string, name: string): Manifest {
  const found = objects.filter(each => each.kind === kind && each.metadata.name === name);
  if (found.length !== 1) throw new Error(`${found.length} objects are ${kind} ${name}`);
  return found[0];
}
