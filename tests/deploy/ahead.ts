/** Makes what the tests of the deployment need: podman, the three images and the root of a virtual machine. */
import { buildImages, prepare } from './machine.ts';

await prepare('trixie');
await buildImages();
