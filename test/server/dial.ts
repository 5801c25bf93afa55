import { onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { until } from './serve.ts';

/** A message as a client gets it. */
export interface Message {
  readonly type: string;
  readonly id?: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server sent, for a test to look into
  readonly payload?: any;
}

/** A bare socket, to say what no proper client would say. */
export async function dial(url: string, protocol = 'graphql-transport-ws', origin?: string) {
  const options = origin === undefined ? {} : { origin };
  const socket = new WebSocket(url.replace('http', 'ws'), protocol, options);
  onTestFinished(() => socket.terminate());
  const messages: Message[] = [];
  socket.on('message', (data) => messages.push(JSON.parse(String(data))));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => undefined);
  const say = (message: unknown) => socket.send(JSON.stringify(message));
  const begin = async () => {
    say({ type: 'connection_init' });
    await until(() => messages.length > 0);
    messages.length = 0;
  };
  return { socket, messages, closed, say, begin };
}

/** The message that begins an operation. */
export function subscribe(id: string, query: string, variables?: object) {
  return { id, type: 'subscribe', payload: { query, variables } };
}
