import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';

/**
 * Returns a password: typed twice on a terminal, which does not show it, or the first line of standard input.
 *
 * @throws Error if nothing comes, or the two differ
 */
export async function askPassword(prompt: string): Promise<string> {
  if (!process.stdin.isTTY) {
    for await (const line of createInterface({ input: process.stdin })) return line;
    throw new Error('no password on standard input; send it as one line');
  }
  const first = await askHidden(`${prompt}: `);
  if (first !== (await askHidden('Once more: ')))
    throw new Error('the two passwords differ; nothing was changed');
  return first;
}

function askHidden(prompt: string): Promise<string> {
  // readline turns the terminal's own echo off, and writes what it echoes itself to nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal: Interface = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  process.stderr.write(prompt);
  return new Promise((resolve, reject) => {
    terminal.once('SIGINT', () => {
      reject(new Error('interrupted; nothing was changed'));
      terminal.close();
    });
    terminal.question('', answer => {
      resolve(answer);
      terminal.close();
    });
    terminal.once('close', () => process.stderr.write('\n'));
  });
}
