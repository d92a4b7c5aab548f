import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from '../../tests/support/ports.ts';
import { chainEnvironment, type ServiceName, startService } from '../../tests/support/services.ts';

test('SIGUSR2 switches the log of each service, and of a relay', async () => {
  const environment = await chainEnvironment();
  const { VISUALIZER_PORT, ...others } = environment.visualizer;
  const relay = {
    ...others,
    VISUALIZER_PORT: await freePort(),
    SOURCE_URL: `${environment.web}/stream.mjpg`,
  };
  const switched = async (name: ServiceName, env: Record<string, string | number>) => {
    await using service = startService(name, env);
    await service.logged(({ level }) => level !== 'raw');
    service.process.kill('SIGUSR2');
    await service.logged(({ msg }) => msg === 'SIGUSR2: the log level is debug now, instead of info');
  };
  await Promise.all([
    switched('playback', environment.playback),
    switched('redactor', environment.redactor),
    switched('visualizer', environment.visualizer),
    switched('visualizer', relay),
  ]);
});

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
