import type { RequestListener } from 'node:http';
import { isEncrypted } from '../../common/secure-server.ts';
import { send } from './reply.ts';

/** Also answered without TLS, so that a health check needs no certificate. Nothing in the answers is secret. */
const OPEN = new Set(['/livez', '/readyz']);

/** Returns a listener that sends requests without TLS to the same address with it, and passes on the others. */
export function toTls(next: RequestListener): RequestListener {
  return (request, response) => {
    const { url = '', headers } = request;
    if (isEncrypted(request) || OPEN.has(url)) {
      next(request, response);
    } else if (headers.host !== undefined && url.startsWith('/')) {
      // The name was checked before. 308 keeps the method, so that a form is not sent as a GET.
      send(response, 308, 'Use https\n', { Location: `https://${headers.host}${url}`, Connection: 'close' });
    } else {
      send(response, 400, 'Use https\n', { Connection: 'close' });
    }
  };
}
