/** Saves the three images of this user's podman as archives. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from './command-line.ts';
import { run } from './scanners/run.ts';

const SERVICES = ['playback', 'redactor', 'visualizer'];

/**
 * Returns the paths of OCI archives: in that form their digests are the ones that podman shows. Each image is saved by its
 * id, because loading an archive that carries a name takes that name away from the image that has it.
 */
export async function savedByPodman(tag: string, folder: string): Promise<string[]> {
  const saved: string[] = [];
  for (const service of SERVICES) {
    const name = `localhost/noaa-${service}:${tag}`;
    const archive = join(folder, `noaa-${service}.oci.tar`);
    // podman does not write over an archive.
    await rm(archive, { force: true });
    const inspected = await run(['podman', 'image', 'inspect', '--format', '{{.Id}}', name]);
    if (inspected === undefined) throw new UsageError('podman is not here, so name the archives to look at');
    if (inspected.code !== 0)
      throw new UsageError(`podman has no ${name}: build it (quadlet/noaa build), or name archives`);
    const save = ['podman', 'save', '--quiet', '--format', 'oci-archive', '--output', archive];
    const output = await run([...save, inspected.stdout.trim()]);
    if (output?.code !== 0)
      throw new Error(`podman could not save ${name} to ${archive}: ${output?.stderr.trim()}`);
    saved.push(archive);
  }
  return saved;
}
