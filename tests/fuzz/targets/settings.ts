import assert from 'node:assert/strict';
import { readEnv } from '../../../apps/common/env.ts';
import { faultsOf } from '../../../apps/common/settings-file.ts';
import { schema as playbackSchema } from '../../../apps/playback/config.ts';
import { schema as redactorSchema } from '../../../apps/redactor/config.ts';
import { schema } from '../../../apps/visualizer/config.ts';
import type { Target } from '../engine.ts';
import { orFault, pure } from './helpers.ts';

export const settings: Target[] = [
  {
    name: 'settings',
    files:
      /apps\/common\/(settings-file|environment-file|misspelt|setting-names|env)\.ts$|apps\/\w+\/config\.ts$/,
    seeds: () => [
      Buffer.from(
        '# comment\nDATA_FILE=/clips/a.mp4\nREDACT_WIDTH=20\nPLAYBACK_SIZE=1920x\nCLIP_START=2017-10-21T18:06:17Z\n',
      ),
      Buffer.from(
        'REDACT_WITDH=20\nPLAYBACK_FPS=10 # slow\nALLOWED_HOSTS=a.example,b\nLOG_LEVEL=debug\nCLIP_TIME_PATTERN=%Y%m%d\n',
      ),
      Buffer.from(
        'CLIP_SECTOR=50,-120 50,-70 20,-70 20,-120\nTRUSTED_PROXIES=10.0.0.0/8\nPLAYBACK_HOST=::1\n',
      ),
    ],
    dictionary: [
      ...Object.keys({ ...playbackSchema, ...redactorSchema, ...schema }).map(name => `\n${name}=`),
      '=',
      '\n',
      '#',
      '%Y',
      '::1',
      '10.0.0.0/8',
    ],
    maxBytes: 1024,
    limitMs: 2000,
    open: pure(input => {
      const text = input.toString();
      for (const { message: words } of faultsOf(input)) assert.ok(words.length > 0);
      const environment = Object.fromEntries(
        text
          .split('\n')
          .flatMap(line =>
            line.includes('=') ? [[line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]] : [],
          ),
      );
      for (const one of [playbackSchema, redactorSchema, schema]) orFault(() => readEnv(one, environment));
    }),
  },
];
