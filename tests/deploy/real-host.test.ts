/**
 * The pod on a real Debian 13 with systemd, Quadlet and rootless podman: that it installs as docs/deploy.md says, holds what it
 * promises, comes back after a crash and after a reboot, and goes without a trace. The rest of its life: whole-life.ts.
 */
import { onHost } from './deployment.ts';
import {
  guarded,
  heldIn,
  heldPort,
  installed,
  killedAtOnce,
  rebooted,
  started,
  uninstalled,
  watchedByUsers,
} from './steps.ts';

onHost('trixie');
installed();
started();
heldPort();
heldIn();
killedAtOnce();
guarded();
rebooted();
watchedByUsers();
uninstalled();
