/** A string, or a sign that begins or ends something. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g;

/**
 * Returns the keys that an object of this JSON has twice, of which JSON.parse keeps the last: a second "regions" would
 * silently lift the first.
 */
export function repeatedKeys(json: string): string[] {
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
      if (keys?.has(key)) repeated.push(key);
      keys?.add(key);
    }
    last = token;
  }
  return repeated;
}
