import { spawnSync } from 'node:child_process';

/**
 * Runs this program again in a network namespace of its own, so that the campaign's addresses are nobody else's, and returns
 * its exit code; undefined if it is in one already, or may not make one.
 */
export function inOwnNetwork(): number | undefined {
  if (process.getuid?.() !== 0 || process.env['CHAOS_NETWORK'] === 'own') return undefined;
  const command = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const { status } = spawnSync(
    'unshare',
    ['-n', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...command],
    {
      stdio: 'inherit',
      env: { ...process.env, CHAOS_NETWORK: 'own' },
    },
  );
  return status ?? 1;
}
