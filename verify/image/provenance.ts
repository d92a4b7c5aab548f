/**
 * What an image was built from, as a predicate of SLSA provenance 1.0, to be signed by whoever built it. It is taken from
 * the image's own labels, so it is worth what the builder's word is: build level 1, no more.
 */
import type { Image } from './archive.ts';
import { archiveState } from './hand-made-sbom.ts';

export function provenanceOf({ id, labels, createdAt, rootfs }: Image): object {
  const label = (name: string): string => labels[`org.opencontainers.image.${name}`] ?? 'unknown';
  const revision = label('revision');
  return {
    buildDefinition: {
      buildType: 'urn:noaa-pod:podman-build:1',
      externalParameters: { source: label('source'), revision, version: label('version') },
      internalParameters: { debianArchiveOf: archiveState(rootfs)?.toISOString() ?? 'unknown' },
      // A revision with something after the commit's name was built from a tree that had been changed.
      resolvedDependencies: /^[0-9a-f]{40}$/.test(revision)
        ? [{ uri: `git+${label('source')}`, digest: { gitCommit: revision } }]
        : [],
    },
    runDetails: {
      builder: { id: 'urn:noaa-pod:the-signers-machine' },
      metadata: { invocationId: id ?? 'unknown', ...(createdAt !== undefined && { finishedOn: createdAt }) },
    },
  };
}
