const START_BYTES = 2;
const COMMENT_MARKER = 0xfffe;

/**
 * Returns a JPEG with a comment in it, right after its start (ITU-T T.81, B.2.4.5). Cost: a copy.
 *
 * @param comment ASCII, below 64 kB
 */
export function withComment(jpeg: Buffer, comment: string): Buffer {
  const segment = Buffer.alloc(4 + comment.length);
  segment.writeUInt16BE(COMMENT_MARKER, 0);
  segment.writeUInt16BE(2 + comment.length, 2);
  segment.write(comment, 4, 'latin1');
  return Buffer.concat([jpeg.subarray(0, START_BYTES), segment, jpeg.subarray(START_BYTES)]);
}
