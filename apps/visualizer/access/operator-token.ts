import { createHmac } from 'node:crypto';
import { readSecret } from '../../common/secret.ts';
import { keyFileOf } from './key-file.ts';
import { newId, nowSeconds, readKey, Tokens } from './tokens.ts';

const LIFE_S = 60;

/** What can sign for the operator: the secret of the redactor's link, which the pod always has, or the key. */
export interface OperatorKeys {
  secretFile: string;
  keyFile: string | undefined;
}

/** Returns what signs and checks the operator's tokens; undefined if there is neither secret nor key. */
export async function operatorTokens({ secretFile, keyFile }: OperatorKeys): Promise<Tokens | undefined> {
  const secret = await readSecret('REDACTOR_SECRET_FILE', secretFile);
  // Of a secret that does other work only a digest signs.
  if (secret !== undefined) return new Tokens(createHmac('sha256', secret).update('operator').digest());
  return keyFile ? new Tokens(await readKey('ACCESS_KEY_FILE', keyFile)) : undefined;
}

/**
 * Returns a token with which someone on this machine may ask for `/status` and `/metrics`, for a minute. It takes the right
 * to read the secret or the key. Undefined if there is neither.
 */
export async function operatorToken(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const secretFile = env['REDACTOR_SECRET_FILE']?.trim() ?? '';
  const tokens = await operatorTokens({ secretFile, keyFile: keyFileOf(env) });
  return tokens?.sign('operator', { expires: nowSeconds() + LIFE_S, id: newId() });
}
