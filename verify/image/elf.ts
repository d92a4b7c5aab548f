/** Reads the headers of an executable or a library, by the ELF specification (gABI, chapters 4 and 5). */
import type { Entry } from './rootfs.ts';

export interface Elf {
  bits: 32 | 64;
  machine: string;
  interpreter?: string;
  soname?: string;
  needed: string[];
  /** RPATH and RUNPATH, each directory by itself. */
  searched: string[];
}

const MACHINES: Record<number, string> = { 3: 'x86', 40: 'arm', 62: 'x86-64', 183: 'aarch64', 243: 'riscv' };
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT = { needed: 1, strtab: 5, soname: 14, rpath: 15, runpath: 29 } as const;

export function isElf(bytes: Buffer): boolean {
  return bytes.length > 64 && bytes.readUInt32BE(0) === 0x7f454c46;
}

/** Programs and libraries of Windows and macOS, by their magic numbers (PE; Mach-O in either order, thin or fat). */
export function isForeignBinary(file: Pick<Entry, 'size' | 'read'>): boolean {
  const head = file.read(0, 64);
  if (head.length < 64) return false;
  if (head.toString('latin1', 0, 2) === 'MZ') {
    return file.read(head.readUInt32LE(0x3c), 4).toString('latin1') === 'PE\0\0';
  }
  return [0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe, 0xcafebabe].includes(head.readUInt32BE(0));
}

/** A string is a path or a name; without a bound a hostile file could have it searched for through all of its length. */
const MAX_STRING_BYTES = 4096;
/** Node, the largest of ours, has 8 libraries and 30 entries. */
const MAX_ENTRIES = 10_000;

interface Segment {
  type: number;
  offset: number;
  address: number;
  bytes: number;
}

/** Throws a RangeError if the file's own offsets lead out of it, or are absurd. */
export function readElf(bytes: Buffer): Elf {
  const bits = bytes[4] === 2 ? 64 : 32;
  const little = bytes[5] === 1;
  const machine = little ? bytes.readUInt16LE(18) : bytes.readUInt16BE(18);
  const elf: Elf = { bits, machine: MACHINES[machine] ?? `machine ${machine}`, needed: [], searched: [] };
  // Another word size or byte order is another platform, and no more than that is asked of it.
  if (bits === 32 || !little) return elf;
  const segments = segmentsOf(bytes);
  const interpreter = segments.find(({ type }) => type === PT_INTERP);
  if (interpreter) elf.interpreter = stringAt(bytes, interpreter.offset);
  const named = dynamicStrings(bytes, segments);
  elf.needed = named(DT.needed);
  elf.searched = [...named(DT.rpath), ...named(DT.runpath)].flatMap(value => value.split(':'));
  const [soname] = named(DT.soname);
  if (soname !== undefined) elf.soname = soname;
  return elf;
}

function segmentsOf(bytes: Buffer): Segment[] {
  const segments = [];
  const table = Number(bytes.readBigUInt64LE(32));
  const size = bytes.readUInt16LE(54);
  for (let index = 0; index < bytes.readUInt16LE(56); index += 1) {
    const at = table + index * size;
    segments.push({
      type: bytes.readUInt32LE(at),
      offset: Number(bytes.readBigUInt64LE(at + 8)),
      address: Number(bytes.readBigUInt64LE(at + 16)),
      bytes: Number(bytes.readBigUInt64LE(at + 32)),
    });
  }
  return segments;
}

/** Returns what the dynamic section names under a tag. */
function dynamicStrings(bytes: Buffer, segments: Segment[]): (tag: number) => string[] {
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (!dynamic) return () => [];
  const entries: { tag: number; value: number }[] = [];
  for (let at = dynamic.offset; at + 16 <= dynamic.offset + dynamic.bytes; at += 16) {
    const tag = Number(bytes.readBigUInt64LE(at));
    if (tag === 0) break;
    if (entries.length === MAX_ENTRIES) throw new RangeError(`more than ${MAX_ENTRIES} dynamic entries`);
    entries.push({ tag, value: Number(bytes.readBigUInt64LE(at + 8)) });
  }
  const address = entries.find(({ tag }) => tag === DT.strtab)?.value ?? 0;
  const strings = segments.find(
    ({ type, address: from, bytes: length }) =>
      type === PT_LOAD && address >= from && address < from + length,
  );
  const start = address - (strings?.address ?? 0) + (strings?.offset ?? 0);
  return tag => entries.filter(entry => entry.tag === tag).map(({ value }) => stringAt(bytes, start + value));
}

function stringAt(bytes: Buffer, offset: number): string {
  const length = offset < bytes.length ? bytes.subarray(offset, offset + MAX_STRING_BYTES).indexOf(0) : -1;
  if (length === -1) throw new RangeError('a string lies outside the file');
  return bytes.toString('utf8', offset, offset + length);
}
