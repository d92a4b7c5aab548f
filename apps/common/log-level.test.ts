import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chainEnvironment, startService } from '../../tests/support/services.ts';

test('SIGUSR2 switches the log to debug and back, and each switch is logged', async () => {
  const { redactor } = await chainEnvironment({ LOG_LEVEL: 'warn' });
  // Nearly the name of a setting, so that the start logs a warning at once.
  await using service = startService('redactor', { ...redactor, REDACTOR_POR: 1 });
  await service.logged(({ msg }) => msg.includes('REDACTOR_POR'));
  service.process.kill('SIGUSR2');
  const on = await service.logged(({ msg }) => msg.includes('the log level is debug now'));
  assert.equal(on.msg, 'SIGUSR2: the log level is debug now, instead of warn');
  service.process.kill('SIGUSR2');
  await service.logged(({ msg }) => msg === 'SIGUSR2: the log level is warn now, instead of debug');
  assert.equal((await service.stop()).how, 0);
});
