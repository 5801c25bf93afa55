import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { ServeOptions } from '../../src/app/app-options.ts';
import type { App, AppOptions } from '../../src/app.ts';
import { type Client, type ClientOptions, createClient } from '../../src/client/client.ts';
import type { ClientStatus } from '../../src/client/connection.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import { openApp, startJob, watch } from '../api/api.ts';
import { waiting } from '../api/flows.ts';
import { Gate } from '../engine/parts.ts';
import { ClientEventsAfterDocument } from '../generated/operations.ts';
import { type BadNetwork, openBadNetwork } from '../support/bad-network.ts';

/** A client that comes back quickly. It is closed with the test at the latest. */
export function openClient(options: ClientOptions): Client {
  const client = createClient({
    webSocketImpl: WebSocket,
    backOff: { delayMs: 1, maxDelayMs: 20 },
    ...options,
  });
  onTestFinished(() => client.close());
  return client;
}

/** A server that listens, a job that does not end, a bad network before it, and a client that has to go through that. */
export interface Place {
  readonly app: App;
  readonly url: string;
  readonly network: BadNetwork;
  readonly client: Client;
  readonly jobId: string;
  /** Lets the job end. */
  readonly gate: Gate;
  /** Records log lines as events of the job, numbered from `first`. */
  log(first: number, count: number): void;
}

export async function openPlace(
  clientOptions: Partial<ClientOptions> = {},
  appOptions: Partial<AppOptions> = {},
  serveOptions: ServeOptions = {},
): Promise<Place> {
  const gate = new Gate();
  const app = await openApp({ flows: [waiting(gate)], ...appOptions });
  const { url, port } = await app.listen({ port: 0, ...serveOptions });
  const network = await openBadNetwork(port);
  const client = openClient({ url: network.through(url), ...clientOptions });
  const jobId = await startJob(app, { flowId: 'waiting' });
  return {
    app,
    url,
    network,
    client,
    jobId,
    gate,
    log(first, count) {
      const of = { jobId: jobId.replace('Job:', ''), tenant: DEFAULT_TENANT, flowId: 'waiting' };
      for (let at = first; at < first + count; at++) {
        app.services.jobEvents.record(of, Date.now(), {
          type: 'LOG_WRITTEN',
          routineId: 'wait',
          level: 'INFO',
          message: String(at),
        });
      }
    },
  };
}

/** The cursor of an event that just happened: what comes after it is all that is made from now on. */
export async function presentCursor({ app, jobId, log }: Place): Promise<string> {
  const stream = await watch(app, ClientEventsAfterDocument, { id: jobId });
  log(0, 1);
  const told = await stream.next();
  await stream.leave();
  if (told === undefined) throw new Error('The job has ended.');
  return told.happened.cursor;
}

/** The statuses of a client from now on. */
export function statusesOf(client: Client): ClientStatus[] {
  const statuses: ClientStatus[] = [];
  client.onStatus((status) => statuses.push(status));
  return statuses;
}
