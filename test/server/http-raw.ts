import { connect } from 'node:net';
import { onTestFinished } from 'vitest';

/** A bare connection, to send what no proper client would send. */
export async function dialRaw(port: number) {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
  });
  let received = '';
  socket.on('data', (chunk) => {
    received += String(chunk);
  });
  socket.on('error', () => undefined); // the server may cut it
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(received)));
  await new Promise((resolve) => socket.once('connect', resolve));
  return {
    socket,
    /** All that came until it was closed. */
    closed,
    write: (text: string) => socket.write(text),
    get received() {
      return received;
    },
  };
}
