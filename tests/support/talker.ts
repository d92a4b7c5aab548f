/** A service that logs as many lines as its parent says, then reports how long its event loop and its pool were held up. */
import { stat } from 'node:fs/promises';
import { commonSchema } from '../../apps/common/env.ts';
import { runService } from '../../apps/common/lifecycle.ts';
import { lostLogLines, waitingLogBytes } from '../../apps/common/log-output.ts';

await runService('talker', commonSchema, async ({ log, signal }) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const alive = setInterval(() => {}, 1000);
  signal.addEventListener('abort', () => resolve());
  let said = 0;
  process.on('message', async (lines: number) => {
    const beganMs = performance.now();
    for (let line = 0; line < lines; line += 1) {
      log.info({ said }, 'x'.repeat(100));
      said += 1;
    }
    await Promise.all(Array.from({ length: 4 }, () => stat('.')));
    process.send!({ ms: performance.now() - beganMs, lost: lostLogLines(), waiting: waitingLogBytes() });
  });
  process.send!('ready');
  await promise;
  clearInterval(alive);
});
