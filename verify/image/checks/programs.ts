/** Checks for programs that an intruder would like to find, and that nothing of ours starts. */
import { posix } from 'node:path';
import { resolve } from '../rootfs.ts';
import { type Fault, filesOf, type Subject } from './subject.ts';

const SHELLS = /^(ba|da|a|z|k|mk|c|tc|fi|rba|po)?sh$|^(busybox|toybox)(\.static)?$|^sh\./;
const TOOLS =
  /^(apt(-get|-key|-config)?|aptitude|dpkg(-deb|-query)?|rpm|yum|dnf|microdnf|apk|pacman|npm|npx|yarn|pnpm|corepack|pip3?|gem|perl[\d.]*|python[\d.]*|ruby|lua[\d.]*|[mg]?awk|gcc|g\+\+|cc|c\+\+|clang|make|ld|as|curl|wget|nc|ncat|netcat|socat|ssh|scp|git|sudo|su|gdb|strace)$/;
const TOOL_FOLDERS = /\/node_modules\/(npm|yarn|pnpm|corepack|node-gyp)\/package\.json$/;

export function unaskedPrograms({ rootfs, named }: Subject): Fault[] {
  return filesOf(rootfs)
    .filter(([path, { mode }]) => /\/s?bin\//.test(path) && (mode & 0o111) !== 0 && !named.has(path))
    .map(([path]) => ({ path, message: 'a program that this image is not for' }));
}

export function shells(subject: Subject): Fault[] {
  return programs(subject, SHELLS, 'a shell');
}

export function tools(subject: Subject): Fault[] {
  return [
    ...programs(subject, TOOLS, 'a package manager, interpreter, compiler or downloader'),
    ...[...subject.rootfs.keys()]
      .filter(path => TOOL_FOLDERS.test(path))
      .map(path => ({ path, message: 'a package manager, or what builds addons' })),
  ];
}

/** Files and links of such a name that may be run. */
function programs({ rootfs }: Subject, names: RegExp, what: string): Fault[] {
  return [...rootfs]
    .filter(([path, { type, mode }]) => {
      const isProgram = type === 'symlink' ? resolve(rootfs, path) !== undefined : (mode & 0o111) !== 0;
      return type !== 'directory' && isProgram && names.test(posix.basename(path));
    })
    .map(([path]) => ({ path, message: what }));
}
