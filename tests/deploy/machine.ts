/** What the checks of the deployment share: this machine's podman, the three images, ways to run things. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const TREE = join(import.meta.dirname, '../..');
export const SERVICES = ['playback', 'redactor', 'visualizer'] as const;
export type Service = (typeof SERVICES)[number];

/** Big and worth keeping between runs, so outside the tree. */
export const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'noaa-pod');
export const CONTAINERS_CONF = join(CACHE, 'containers.conf');
/** A Debian 13 with podman 5.4 and QEMU 10. */
export const TRIXIE = join(CACHE, 'trixie');

export interface Ran {
  code: number | null;
  /** stdout and stderr, in the order in which they came. */
  output: string;
  stdout: string;
}

export interface RunOptions {
  env?: NodeJS.ProcessEnv;
  input?: string | Buffer;
  timeoutMs?: number;
  /** Passes on what the command says while it says it. */
  loud?: boolean;
}

/** Runs a command to its end, whatever that is. */
export function run(command: string, args: string[], options: RunOptions = {}): Promise<Ran> {
  const { promise, resolve, reject } = Promise.withResolvers<Ran>();
  const child = spawn(command, args, {
    cwd: TREE,
    env: { ...process.env, ...options.env },
    stdio: 'pipe',
    timeout: options.timeoutMs ?? 30 * 60_000,
    killSignal: 'SIGKILL',
  });
  const ran: Ran = { code: null, output: '', stdout: '' };
  const take = (chunk: Buffer, isStdout: boolean) => {
    ran.output += chunk;
    if (isStdout) ran.stdout += chunk;
    if (options.loud) process.stderr.write(chunk);
  };
  child.stdout.on('data', (chunk: Buffer) => take(chunk, true));
  child.stderr.on('data', (chunk: Buffer) => take(chunk, false));
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input);
  child.on('error', reject).on('close', code => resolve({ ...ran, code }));
  return promise;
}

/** Runs a command that must succeed, and gives its stdout without the last line's end. */
export async function ok(command: string, args: string[], options: RunOptions = {}): Promise<string> {
  const ran = await run(command, args, options);
  if (ran.code !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${ran.code}:\n${ran.output.slice(-4000)}`);
  return ran.stdout.trimEnd();
}

export const podman = (args: string[], options: RunOptions = {}) =>
  ok('podman', args, { ...options, env: { CONTAINERS_CONF, ...options.env } });
export const tryPodman = (args: string[], options: RunOptions = {}) =>
  run('podman', args, { ...options, env: { CONTAINERS_CONF, ...options.env } });

/** A Debian that a virtual machine may have: the stable one, or the testing one with its newer podman. */
export type Suite = 'trixie' | 'forky';

/** Brings podman, the base image and the rest to this machine; with a suite, also a virtual machine's root. */
export async function prepare(...suite: Suite[]): Promise<void> {
  await ok('nice', [join(TREE, 'tests/deploy/prepare'), CACHE, ...suite], { loud: true });
}

/** What the images are made of, as one hash. */
async function inputs(): Promise<string> {
  const hash = createHash('sha256').update(await ok('git', ['rev-parse', 'HEAD']));
  const patterns = [
    'Containerfile.*',
    '.containerignore',
    'package*.json',
    'tsconfig.json',
    'LICENSE',
    'data/*',
    'quadlet/noaa',
  ];
  const files = [...patterns, 'tools/image/*', 'apps/**/*'].flatMap(pattern =>
    globSync(pattern, { cwd: TREE }),
  );
  for (const file of files.filter(name => !/node_modules|\/public\/.*\.js$|\.test\.ts$/.test(name)).sort()) {
    const path = join(TREE, file);
    if (statSync(path).isFile()) hash.update(`${file}\0`).update(readFileSync(path));
  }
  for (const service of SERVICES)
    hash.update((await tryPodman(['image', 'inspect', '--format', '{{.Id}}', imageOf(service)])).stdout);
  return hash.digest('hex');
}

/** Builds the three images as an operator does, unless they are made of what there is now. */
export async function buildImages(): Promise<void> {
  await prepare();
  const stamp = join(CACHE, 'images-of');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === (await inputs())) return;
  const ca = process.env['NODE_EXTRA_CA_CERTS'];
  const proxy = ca && existsSync(ca) ? ['--ca', ca] : [];
  // chroot isolation and the host's network: what works inside a container and a virtual machine alike.
  const options = ['--', '--layers', '--isolation=chroot', '--network=host'];
  await ok('nice', ['quadlet/noaa', 'build', ...proxy, ...options], { env: { CONTAINERS_CONF } });
  writeFileSync(stamp, await inputs());
}

export const imageOf = (service: Service) => `localhost/noaa-${service}:candidate`;
