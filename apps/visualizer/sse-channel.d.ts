declare module 'sse-channel' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  interface Options {
    pingInterval?: number;
    retryTimeout?: number;
  }

  interface Message {
    event?: string;
    data: string;
  }

  /** As much of sse-channel 4 as `broadcast.ts` uses. */
  export default class SseChannel {
    constructor(options?: Options);
    readonly connections: ServerResponse[];
    addClient(request: IncomingMessage, response: ServerResponse): void;
    send(message: Message, clients?: ServerResponse[]): void;
    close(): void;
  }
}
