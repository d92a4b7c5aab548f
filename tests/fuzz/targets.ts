/** What takes bytes from outside, and what must hold for any of them. */
import type { Target } from './engine.ts';
import { clips } from './targets/clips.ts';
import { containers } from './targets/containers.ts';
import { credentials } from './targets/credentials.ts';
import { frames } from './targets/frames.ts';
import { masks } from './targets/masks.ts';
import { relays } from './targets/relays.ts';
import { settings } from './targets/settings.ts';
import { web } from './targets/web.ts';

export const TARGETS: readonly Target[] = [
  ...frames,
  ...masks,
  ...settings,
  ...clips,
  ...containers,
  ...relays,
  ...credentials,
  ...web,
];
