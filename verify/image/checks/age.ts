/** Checks of when an image was made, and from which state of Debian's archive. */
import { MAX_ARCHIVE_AGE_DAYS } from '../../gate/limits.ts';
import { buildDate } from '../archive.ts';
import { archiveState } from '../hand-made-sbom.ts';
import type { Fault, Subject } from './subject.ts';

const SBOMS = '/usr/share/sbom';

export function undated({ image }: Subject): Fault[] {
  return image.id === undefined || buildDate(image.labels) !== undefined
    ? []
    : [{ path: '/', message: 'no label org.opencontainers.image.created says when it was built' }];
}

export function rebuildDue({ rootfs, now }: Subject): Fault[] {
  const state = archiveState(rootfs);
  if (state === undefined)
    return [{ path: SBOMS, message: "nothing says which state of Debian's archive this is made from" }];
  const days = Math.floor((now.getTime() - state.getTime()) / 86_400_000);
  if (days < -1) {
    return [
      {
        path: SBOMS,
        message: `made from Debian's archive of ${-days} days from now: the clock here is wrong, or that date`,
      },
    ];
  }
  const message = `made from Debian's archive of ${days} days ago; rebuild it (${MAX_ARCHIVE_AGE_DAYS} is the most)`;
  return days <= MAX_ARCHIVE_AGE_DAYS ? [] : [{ path: SBOMS, message }];
}
