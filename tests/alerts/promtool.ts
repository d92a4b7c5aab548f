import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../build/prometheus/', import.meta.url));

/**
 * Returns the path of a program of Debian's package `prometheus`: the one on the PATH, or else out of the package, which is
 * unpacked into build/ and not installed, because to install it is to start a server on port 9090.
 */
export function prometheusProgram(name: 'prometheus' | 'promtool'): string {
  try {
    return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
  } catch {
    const path = `${FOLDER}usr/bin/${name}`;
    if (!existsSync(path)) unpack();
    return path;
  }
}

function unpack(): void {
  mkdirSync(FOLDER, { recursive: true });
  try {
    execFileSync('sh', ['-c', 'apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb .'], {
      cwd: FOLDER,
      stdio: 'inherit',
    });
  } catch (thrown) {
    throw new Error('Debian’s package prometheus could not be had; install prometheus and run this again', {
      cause: thrown,
    });
  }
}
