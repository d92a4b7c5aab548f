/** What was sent on a link, from its packets. */

/** The bytes that one side of a TCP connection has sent. */
export interface Sent {
  /** Address and port of both, as in `10.23.1.1:8050 > 10.23.1.2:40000`. */
  way: string;
  fromPort: number;
  bytes: Buffer;
  /** Whether every byte up to its last packet is there. */
  whole: boolean;
}

export interface Recorded {
  sent: Sent[];
  /** Packets that belong to no TCP connection, by protocol. */
  others: Map<string, number>;
}

const PCAP_HEADER = 24;
const PACKET_HEADER = 16;
const TCP = 6;
const SYN = 0x02;

interface Flow {
  fromPort: number;
  first: number | undefined;
  pieces: { at: number; bytes: Buffer }[];
}

/** Reads a recording of raw IP packets and joins what each side has sent. */
export function readRecording(pcap: Buffer): Recorded {
  const flows = new Map<string, Flow>();
  const others = new Map<string, number>();
  for (let at = PCAP_HEADER; at + PACKET_HEADER <= pcap.length; ) {
    const bytes = pcap.readUInt32LE(at + 8);
    const packet = pcap.subarray(at + PACKET_HEADER, at + PACKET_HEADER + bytes);
    at += PACKET_HEADER + bytes;
    const version = packet[0]! >> 4;
    if (version !== 4 || packet[9] !== TCP) {
      const name = version === 4 ? `IPv4 protocol ${packet[9]}` : `IP version ${version}`;
      others.set(name, (others.get(name) ?? 0) + 1);
      continue;
    }
    const segment = packet.subarray(4 * (packet[0]! & 15), packet.readUInt16BE(2));
    const fromPort = segment.readUInt16BE(0);
    const way = `${address(packet, 12)}:${fromPort} > ${address(packet, 16)}:${segment.readUInt16BE(2)}`;
    let flow = flows.get(way);
    if (!flow) {
      flow = { fromPort, first: undefined, pieces: [] };
      flows.set(way, flow);
    }
    const sequence = segment.readUInt32BE(4);
    if (segment[13]! & SYN) flow.first = sequence + 1;
    const payload = segment.subarray(4 * (segment[12]! >> 4));
    if (payload.length > 0) flow.pieces.push({ at: sequence, bytes: payload });
  }
  return { sent: [...flows].map(([way, flow]) => join(way, flow)), others };
}

function join(way: string, { fromPort, first, pieces }: Flow): Sent {
  if (first === undefined && pieces.length > 0)
    return { way, fromPort, bytes: Buffer.alloc(0), whole: false };
  const placed = pieces
    .map(({ at, bytes }) => ({ at: (at - first!) >>> 0, bytes }))
    .sort((a, b) => a.at - b.at);
  const joined: Buffer[] = [];
  let end = 0;
  for (const { at, bytes } of placed) {
    if (at > end) return { way, fromPort, bytes: Buffer.concat(joined), whole: false };
    // What was sent again is the same.
    const fresh = bytes.subarray(end - at);
    if (at + bytes.length <= end) continue;
    joined.push(fresh);
    end += fresh.length;
  }
  return { way, fromPort, bytes: Buffer.concat(joined), whole: true };
}

const address = (packet: Buffer, at: number): string => [...packet.subarray(at, at + 4)].join('.');
