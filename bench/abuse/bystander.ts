/* A server that does nothing and that nobody attacks: what it suffers the machine suffers. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerParent } from '../harness/child.ts';

const http = createServer((request, response) => {
  request.resume().on('end', () => response.end('{"data":{}}'));
});
await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
const { port } = http.address() as AddressInfo; // it listens on TCP

const tasks = { describe: (_request: object) => ({ port }) };

export type BystanderTasks = typeof tasks;

answerParent(tasks);
