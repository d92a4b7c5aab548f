/**
 * Run in a container that has koffi. `node ipc.ts hold` leaves a secret in every kind of memory that processes can share and in
 * its own, and stays. `node ipc.ts find` tries to get it by every one of these ways, and prints those that worked, as JSON.
 */
import { readdirSync, readFileSync } from 'node:fs';
import koffi from 'koffi';

const SECRET = 'a raw frame, for the redactor alone';
const NAME = '/noaa-ipc';
const KEY = 0x6e6f6161;
const BYTES = 4096;

const libc = koffi.load('libc.so.6');
const shmget = libc.func('int shmget(int key, size_t size, int flags)');
const shmat = libc.func('void *shmat(int id, void *at, int flags)');
const msgget = libc.func('int msgget(int key, int flags)');
const msgsnd = libc.func('int msgsnd(int id, void *message, size_t size, int flags)');
const msgrcv = libc.func('long msgrcv(int id, void *message, size_t size, long type, int flags)');
const shmOpen = libc.func('int shm_open(const char *name, int flags, unsigned int mode)');
const write = libc.func('long write(int fd, void *from, size_t size)');
const read = libc.func('long read(int fd, void *to, size_t size)');
const mqOpen = libc.func('int mq_open(const char *name, int flags, unsigned int mode, void *attributes)');
const mqSend = libc.func('int mq_send(int queue, void *message, size_t size, unsigned int priority)');
const mqReceive = libc.func('long mq_receive(int queue, void *message, size_t size, void *priority)');
const readv = libc.func(
  'long process_vm_readv(int pid, void *to, unsigned long n, void *from, unsigned long m, unsigned long flags)',
);
const ptrace = libc.func('long ptrace(long request, int pid, void *address, void *data)');
const [CREATE, READ_WRITE, NONBLOCK] = [0o100, 0o2, 0o4000];
const [IPC_CREATE, IPC_NOWAIT] = [0o1000, 0o4000];
const [ATTACH, DETACH] = [16, 17];

function hold(): void {
  const segment = shmat(shmget(KEY, BYTES, IPC_CREATE | 0o666), null, 0);
  koffi.encode(segment, 'char', SECRET, SECRET.length + 1);
  // A message is its type, a long, and then the bytes.
  const message = Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]), Buffer.from(SECRET)]);
  msgsnd(msgget(KEY, IPC_CREATE | 0o666), message, SECRET.length, 0);
  write(shmOpen(NAME, CREATE | READ_WRITE, 0o666), Buffer.from(SECRET), SECRET.length);
  mqSend(mqOpen(NAME, CREATE | READ_WRITE, 0o666, null), Buffer.from(SECRET), SECRET.length, 0);
  const own = koffi.alloc('char', BYTES);
  koffi.encode(own, 'char', SECRET, SECRET.length + 1);
  console.log('holds it');
  setInterval(() => koffi.address(own), 1000);
}

/** Each way, and whether it brings the secret. */
const WAYS: Record<string, () => boolean> = {
  'System V shared memory'() {
    const id = shmget(KEY, 0, 0);
    return id >= 0 && koffi.decode(shmat(id, null, 0), 'char', SECRET.length) === SECRET;
  },
  'System V messages'() {
    const message = Buffer.alloc(BYTES);
    const bytes = msgrcv(msgget(KEY, 0), message, BYTES - 8, 0, IPC_NOWAIT);
    return bytes > 0 && message.toString('latin1', 8, 8 + bytes) === SECRET;
  },
  'POSIX shared memory'() {
    const bytes = Buffer.alloc(SECRET.length);
    return read(shmOpen(NAME, 0, 0), bytes, bytes.length) > 0 && bytes.toString() === SECRET;
  },
  'POSIX messages'() {
    const message = Buffer.alloc(2 ** 16);
    const bytes = mqReceive(mqOpen(NAME, READ_WRITE | NONBLOCK, 0, null), message, message.length, null);
    return bytes > 0 && message.toString('latin1', 0, bytes) === SECRET;
  },
  process_vm_readv: () => others().some(pid => heapOf(pid).includes(SECRET)),

  ptrace: () =>
    others().some(pid => {
      if (ptrace(ATTACH, pid, null, null) !== 0) return false;
      ptrace(DETACH, pid, null, null);
      return true;
    }),
};

/** Every process that can be seen but this one and those that it came from. */
function others(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter(pid => pid > 0 && pid !== process.pid && pid !== process.ppid)
    .filter(pid => readFileSync(`/proc/${pid}/cmdline`, 'latin1').endsWith('hold\0'));
}

function heapOf(pid: number): string {
  const [, from = '', to = ''] =
    /^([\da-f]+)-([\da-f]+) .*\[heap\]$/m.exec(readFileSync(`/proc/${pid}/maps`, 'latin1')) ?? [];
  const start = BigInt(`0x${from}`);
  const size = Number(BigInt(`0x${to}`) - start);
  const copy = koffi.alloc('char', size);
  const vector = (address: bigint) => {
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64LE(address, 0);
    bytes.writeBigUInt64LE(BigInt(size), 8);
    return bytes;
  };
  const read = readv(pid, vector(koffi.address(copy)), 1, vector(start), 1, 0);
  return read > 0 ? Buffer.from(koffi.view(copy, read)).toString('latin1') : '';
}

if (process.argv.at(-1) === 'hold') hold();
else {
  const worked = Object.entries(WAYS).filter(([, way]) => {
    try {
      return way();
    } catch {
      return false;
    }
  });
  console.log(JSON.stringify(worked.map(([name]) => name)));
}
