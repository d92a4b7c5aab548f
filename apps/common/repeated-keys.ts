/** A string, or a sign that begins or ends something. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g;

/**
 * Returns the keys that an object of this JSON has twice, of which JSON.parse keeps the last and other readers the first or
 * both: in a mask a second "regions" would silently lift the first.
 *
 * @param folded what is the same in two spellings of a key, for readers that take `env` for `Env`
 */
export function repeatedKeys(json: string, folded = (key: string): string => key): string[] {
  const repeated: string[] = [];
  const open: (Set<string> | undefined)[] = [];
  let last = '';
  for (const [token] of json.matchAll(TOKENS)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':') {
      // The same key may be spelled with escapes.
      const key: string = JSON.parse(last);
      const keys = open.at(-1);
      if (keys?.has(folded(key))) repeated.push(key);
      keys?.add(folded(key));
    }
    last = token;
  }
  return repeated;
}
