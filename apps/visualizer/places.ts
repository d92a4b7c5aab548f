import { addressKey } from './access/throttle.ts';
import type { Who } from './access/who.ts';

export interface PlaceLimits {
  /** Viewers at once. */
  max: number;
  /** Of those, from one address and of one user. */
  perAddress: number;
  perUser: number;
}

/** Why a viewer gets no place. */
export type NoPlace = 'full' | 'address' | 'user';

/**
 * Returns why there is no place for one more viewer; the viewer that has to make room, if one must; or undefined.
 *
 * When all places are taken, the client with most of them gives one to a newcomer that has at least two fewer: one client can
 * take every free place, but keeps nobody out. The newest of its viewers goes. An address of IPv6 is its /64.
 */
export function placeFor<V extends { who: Who }>(
  who: Who,
  viewers: readonly V[],
  limits: PlaceLimits,
): NoPlace | V | undefined {
  const address = addressKey(who.address);
  const sameAddress = viewers.filter(viewer => addressKey(viewer.who.address) === address);
  if (sameAddress.length >= limits.perAddress) return 'address';
  const sameUser = viewers.filter(viewer => viewer.who.user === who.user);
  if (who.user !== undefined && sameUser.length >= limits.perUser) return 'user';
  if (viewers.length < limits.max) return undefined;
  const groups = Map.groupBy(viewers, viewer => ownerOf(viewer.who));
  const own = groups.get(ownerOf(who))?.length ?? 0;
  const most = [...groups.values()].reduce((a, b) => (b.length > a.length ? b : a));
  return most.length >= own + 2 ? most.at(-1)! : 'full';
}

const ownerOf = ({ user, address }: Who) => (user === undefined ? addressKey(address) : `user ${user}`);
