import { keyFileOf } from './key-file.ts';
import { newId, nowSeconds, readKey, Tokens } from './tokens.ts';

const LIFE_S = 60;

/**
 * Returns a token with which someone on this machine may ask for `/status` and `/metrics`, for a minute. It takes the right
 * to read the key. Undefined if there is no key.
 */
export async function operatorToken(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const path = keyFileOf(env);
  if (path === '') return undefined;
  const tokens = new Tokens(await readKey('ACCESS_KEY_FILE', path));
  return tokens.sign('operator', { expires: nowSeconds() + LIFE_S, id: newId() });
}
