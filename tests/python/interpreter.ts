import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The Python that runs the challenge's own services: Debian's, unless PYTHON names another. */
export const PYTHON = process.env['PYTHON'] ?? '/usr/bin/python3';

export const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Fails with what to paste where the tests' Python is not there. */
export function requirePython(): void {
  const { status } = spawnSync(PYTHON, ['-c', 'import cv2, numpy, zmq']);
  const packages = 'python3-numpy python3-opencv python3-zmq';
  assert.equal(status, 0, `${PYTHON} lacks what these tests need: sudo apt-get install -y ${packages}`);
}

/** Runs a script to its end, and gives the lines that it wrote. */
export function linesOf(name: string, args: string[] = [], input = ''): string[] {
  const { status, stdout, stderr } = spawnSync(PYTHON, [script(name), ...args], {
    input,
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  assert.equal(status, 0, stderr);
  return stdout.trimEnd().split('\n');
}
