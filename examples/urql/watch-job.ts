/*
 * A job started, watched and read with urql: queries and mutations over HTTP, subscriptions over WebSocket.
 *
 *   millrace start
 *   npx tsx examples/urql/watch-job.ts [URL] [FLOW]
 *
 * Where the server asks who one is, `MILLRACE_TOKEN` has an API key or a token, with the scopes `read` and `control`.
 *
 * A browser has a WebSocket and needs no `webSocketImpl`; React, Vue and Svelte take the same client.
 */
import {
  Client,
  cacheExchange,
  type ExecutionResult,
  fetchExchange,
  gql,
  subscriptionExchange,
} from '@urql/core';
import { CloseCode, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

interface Routine {
  readonly routineId: string;
  readonly executionCount: number;
}

const START = gql<{ startJob: { job?: { id: string }; message?: string } }, { flowId: string }>`
  mutation Start($flowId: ID!) {
    startJob(input: { flowId: $flowId }) {
      ... on StartJobPayload {
        job {
          id
        }
      }
      ... on Error {
        message
      }
    }
  }
`;

const WATCH = gql<{ jobMonitoring: { status: string; routines: Routine[] } }, { id: string }>`
  subscription Watch($id: ID!) {
    jobMonitoring(jobId: $id, maxRateHz: 5) {
      id
      status
      routines {
        id
        routineId
        executionCount
      }
    }
  }
`;

const READ = gql<{ job: { status: string; durationMs: number } }, { id: string }>`
  query Read($id: ID!) {
    job(id: $id) {
      id
      status
      durationMs
    }
  }
`;

const [url = 'http://127.0.0.1:4000/graphql', flowId = 'articles'] = process.argv.slice(2);

const { MILLRACE_TOKEN: token } = process.env;
const credentials = token === undefined ? {} : { authorization: `Bearer ${token}` };

const sockets = createClient({
  url: url.replace(/^http/, 'ws'),
  webSocketImpl: WebSocket,
  connectionParams: credentials, // or a function, which is asked anew for each connection
  retryAttempts: Number.POSITIVE_INFINITY, // a server may be restarted
  // But not with a token that is not valid, or not any more.
  shouldRetry: (problem) => Object(problem).code !== CloseCode.Forbidden,
});

const client = new Client({
  url,
  preferGetMethod: false,
  fetchOptions: { headers: credentials },
  exchanges: [
    cacheExchange,
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query = '', variables = {} }) => ({
        subscribe: ({ next, error, complete }) => ({
          unsubscribe: sockets.subscribe(
            { query, variables },
            { next: (result) => next(result as ExecutionResult), error, complete },
          ),
        }),
      }),
    }),
  ],
});

const { data: started, error } = await client.mutation(START, { flowId });
const id = started?.startJob.job?.id;
if (id === undefined) throw error ?? new Error(started?.startJob.message);
console.log(`Started ${id}`);

// A state stream: the present state first, then what changes, until the job has ended.
await new Promise<void>((resolve, reject) => {
  client.subscription(WATCH, { id }).subscribe((result) => {
    if (result.error !== undefined) reject(result.error);
    const { status, routines = [] } = result.data?.jobMonitoring ?? {};
    const counts = routines.map((each) => `${each.routineId} ${each.executionCount}`);
    console.log(`${status}: ${counts.join(', ')}`);
    if (!result.hasNext) resolve();
  });
});

const { data } = await client.query(READ, { id });
console.log(`${data?.job.status} after ${data?.job.durationMs} ms`);

await sockets.dispose();
