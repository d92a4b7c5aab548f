/** Returns the whole address of one of the server's paths, without the credentials of the page's own, which `fetch` refuses. */
export function addressOf(path: string): string {
  return new URL(path, location.origin + location.pathname).href;
}
