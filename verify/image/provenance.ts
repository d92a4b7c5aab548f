/**
 * Returns what an image was built from, as a predicate of SLSA provenance 1.0 for the builder to sign. It repeats the image's
 * own labels, so it is only as good as the builder's word: build level 1.
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
      // A revision with a suffix was built from a tree with uncommitted changes.
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
