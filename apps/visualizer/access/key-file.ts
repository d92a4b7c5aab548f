/** Returns the path of the key that signs sessions and links: its own, or beside the users; empty if there is none. */
export function keyFileOf({
  ACCESS_KEY_FILE: named,
  USERS_FILE: users,
}: {
  ACCESS_KEY_FILE?: string | undefined;
  USERS_FILE?: string | undefined;
}): string {
  if (named?.trim()) return named.trim();
  return users?.trim() ? `${users.trim()}.key` : '';
}
