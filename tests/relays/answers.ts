import { PartReader } from '../../apps/visualizer/relay/multipart.ts';

/** A picture as it was sent: in a stream or by itself. */
export interface SentPicture {
  jpeg: Buffer;
  headers: ReadonlyMap<string, string>;
}

const END = Buffer.from('\r\n\r\n');
const LIMITS = { headerBytes: 8192, bodyBytes: 2 ** 26, burst: Number.POSITIVE_INFINITY, perSecond: 1 };

/**
 * Returns every picture in the answers that a visualizer has sent on one connection; the last answer may be cut off.
 *
 * @throws if anything else than answers of HTTP, pictures, events and JSON is among them
 */
export function picturesIn(bytes: Buffer): SentPicture[] {
  const pictures: SentPicture[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(END, at);
    if (end < 0) break;
    const [status = '', ...lines] = bytes.toString('latin1', at, end).split('\r\n');
    if (!/^HTTP\/1\.1 \d{3} /.test(status))
      throw new Error(`no answer begins with ${JSON.stringify(status)}`);
    const headers = new Map(
      lines.map(line => {
        const [name = '', ...value] = line.split(': ');
        return [name.toLowerCase(), value.join(': ')];
      }),
    );
    const { body, next } = bodyOf(bytes, end + END.length, headers);
    at = next;
    take(headers, body, pictures);
  }
  return pictures;
}

function bodyOf(bytes: Buffer, from: number, headers: ReadonlyMap<string, string>) {
  if (headers.get('transfer-encoding') !== 'chunked') {
    const next = from + Number(headers.get('content-length') ?? 0);
    return { body: bytes.subarray(from, next), next };
  }
  const chunks: Buffer[] = [];
  for (let at = from; ; ) {
    const end = bytes.indexOf('\r\n', at, 'latin1');
    if (end < 0) return { body: Buffer.concat(chunks), next: bytes.length };
    const length = Number.parseInt(bytes.toString('latin1', at, end), 16);
    if (!Number.isFinite(length)) throw new Error('a chunk has no length');
    at = end + 2 + length + 2;
    if (length === 0) return { body: Buffer.concat(chunks), next: at };
    chunks.push(bytes.subarray(end + 2, end + 2 + length));
  }
}

function take(headers: ReadonlyMap<string, string>, body: Buffer, pictures: SentPicture[]): void {
  const [type = '', boundary] = (headers.get('content-type') ?? '').split(/; ?boundary=/);
  if (type === 'multipart/x-mixed-replace') {
    const reader = new PartReader(boundary ?? '', LIMITS, part => take(part.headers, part.body, pictures));
    reader.push(body);
  } else if (type === 'image/jpeg') {
    if (body.length > 0) pictures.push({ jpeg: body, headers });
  } else if (!/^(application\/json|text\/plain)\b/.test(type)) {
    throw new Error(`an answer of the type ${type}`);
  }
}
