/** Checks of owners and modes. */
import { type Fault, filesOf, type Subject } from './subject.ts';

export function setuidFiles({ rootfs }: Subject): Fault[] {
  return filesOf(rootfs)
    .filter(([, { mode, hasCapabilities }]) => (mode & 0o6000) !== 0 || hasCapabilities)
    .map(([path, { mode, hasCapabilities }]) => ({
      path,
      message: hasCapabilities
        ? 'has file capabilities'
        : `runs with its owner's rights (mode ${mode.toString(8)})`,
    }));
}

export function worldWritable({ rootfs }: Subject): Fault[] {
  return (
    [...rootfs]
      .filter(([, { type, mode }]) => type !== 'symlink' && (mode & 0o002) !== 0)
      // A folder like /tmp, where each may remove only what is its own.
      .filter(([, { type, mode }]) => !(type === 'directory' && (mode & 0o1000) !== 0))
      .map(([path, { mode }]) => ({ path, message: `anyone may write to it (mode ${mode.toString(8)})` }))
  );
}

/** As chmod in the Containerfiles leaves them: who starts the service must be able to read it, and nobody else to write to it. */
export function otherModes({ rootfs }: Subject): Fault[] {
  return (
    [...rootfs]
      .filter(([path, { type }]) => path.startsWith('/app/') && (type === 'file' || type === 'directory'))
      // Others of these checks name the rest.
      .filter(([, { mode }]) => (mode & 0o6002) === 0)
      .filter(([, { type, mode }]) => mode !== 0o755 && (mode !== 0o644 || type === 'directory'))
      .map(([path, { mode }]) => ({
        path,
        message: `has the mode ${mode.toString(8)}, and a build gives it another`,
      }))
  );
}

export function notOwnedByRoot({ rootfs }: Subject): Fault[] {
  return [...rootfs]
    .filter(([, { type, uid = 0, gid = 0 }]) => type !== 'symlink' && (uid !== 0 || gid !== 0))
    .map(([path, { uid, gid }]) => ({ path, message: `belongs to ${uid}:${gid}, who could change it` }));
}

export function runsAsRoot({ image }: Subject): Fault[] {
  return image.id === undefined || /^[1-9]\d*(:\d+)?$/.test(image.user ?? '')
    ? []
    : [{ path: '/', message: `the image's user is "${image.user ?? ''}", not a number above 0` }];
}
