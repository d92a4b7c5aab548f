import { onOneLine } from './on-one-line.ts';

/** Thrown where an archive is damaged, ambiguous or larger than an image of ours can be. Its message is for the operator. */
export class BadImage extends Error {
  override name = 'BadImage';

  constructor(message: string, options?: ErrorOptions) {
    super(onOneLine(message), options);
  }
}
