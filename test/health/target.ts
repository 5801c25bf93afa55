import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A service to be checked: it answers as it is told to. It is closed when the test ends. */
export async function openTarget() {
  const target = { url: '', status: 200, body: {} as unknown, asked: 0 };
  const server = createServer((_request, response) => {
    target.asked++;
    response.writeHead(target.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(target.body));
  });
  await new Promise<void>((keep) => server.listen(0, '127.0.0.1', keep));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((keep) => server.close(keep));
  });
  target.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`;
  return target;
}
