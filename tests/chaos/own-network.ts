/**
 * Replaces this process by the same program in a network namespace of its own, so that the campaign's addresses are nobody
 * else's. Returns if it is in one already, or may not make one.
 */
export function moveToOwnNetwork(): void {
  if (process.getuid?.() !== 0 || process.env['CHAOS_NETWORK'] === 'own') return;
  const script = 'exec unshare -n sh -c \'ip link set lo up && exec "$@"\' sh "$@"';
  const command = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  process.execve?.('/bin/sh', ['sh', '-c', script, 'sh', ...command], {
    ...process.env,
    CHAOS_NETWORK: 'own',
  });
}
