/** Thrown where nothing is known of what an image should hold. It is never a pass; its message is for the operator. */
export class CannotCompare extends Error {
  override name = 'CannotCompare';
}
