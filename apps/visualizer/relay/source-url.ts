import { type Variable, variable } from '../../common/env.ts';

/** The address of another visualizer's MJPEG stream, or nothing. */
export function sourceUrl(about: { desc: string }): Variable<string> {
  return variable<string>(
    input => {
      const url = URL.parse(input);
      if (!url || !/^https?:$/.test(url.protocol) || !url.pathname.endsWith('/stream.mjpg')) {
        throw new Error(
          "must be the address of a visualizer's MJPEG stream, as in https://origin.example.org/stream.mjpg",
        );
      }
      if (url.username || url.password || url.search || url.hash) {
        throw new Error(
          'must have no user, password, query or fragment; put the credential into the file of SOURCE_CREDENTIAL_FILE',
        );
      }
      return url.href;
    },
    {
      ...about,
      default: '',
      unset: 'none: it watches a redactor',
      example: 'https://origin.example.org/stream.mjpg',
      takes: '`http://…/stream.mjpg`, `https://…/stream.mjpg`',
    },
  );
}
