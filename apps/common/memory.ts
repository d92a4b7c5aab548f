import { totalmem } from 'node:os';
import { Fault } from './errors.ts';

/**
 * Frames that a service may hold at once while it is flooded: those that libzmq has received or is receiving, those in
 * hand or being sent, and those that are not collected yet. Measured: at most 5 without and 7.5 with a subscriber.
 */
const FRAMES_HELD = 8;
/** What this process reckons with. */
let held = FRAMES_HELD;
const MB = 2 ** 20;

/** Returns the bytes that this process may use: its container's limit, or the machine's memory. */
export function memoryLimit(): number {
  // 0 or an absurd number if there is no limit.
  return Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem());
}

/**
 * Returns the longest message that a service can accept without being killed for memory, however fast such messages come.
 *
 * @param ownBytes what the service holds besides frames
 * @param framesHeld frames, and what is made of them, that it may hold at once
 * @throws Fault `bad-configuration` if nothing is left for frames
 */
export function longestMessage(
  ownBytes: number,
  limitBytes = memoryLimit(),
  framesHeld = FRAMES_HELD,
): number {
  held = framesHeld;
  const bytes = Math.floor((limitBytes - ownBytes) / framesHeld);
  if (bytes <= 0) {
    throw new Fault(
      'bad-configuration',
      `the memory limit of ${Math.round(limitBytes / MB)} MB is below the ${Math.round(ownBytes / MB)} MB that this ` +
        'service holds besides frames; raise it, or set LOOP_MB to less if that is what fills it',
    );
  }
  return bytes;
}

/**
 * Returns the longest message that is read at all, so that it can be refused with a reason. Four such messages may be on
 * their way, and nothing is made of them.
 */
export const longestRefused = (longestBytes: number): number => Math.floor((longestBytes * held) / 4);

/** Explains in words for a log why a message is too long, in MB. */
export function tooLong(bytes: number, longestBytes: number): string {
  return (
    `a frame of ${Math.ceil(bytes / MB)} MB; this service's memory has room for frames of ` +
    `${Math.floor(longestBytes / MB)} MB, and needs ${held} times as much for larger ones`
  );
}
