/*
 * A job started, watched and read with Apollo Client: queries and mutations over HTTP, subscriptions over WebSocket.
 *
 *   millrace start
 *   npx tsx examples/apollo-client/watch-job.ts [URL] [FLOW]
 *
 * Where the server asks who one is, `MILLRACE_TOKEN` has an API key or a token, with the scopes `read` and `control`.
 *
 * Jobs, routines and queues have ids, so the cache keeps each of them once: what a subscription tells is seen wherever the
 * same job is shown. A browser has a WebSocket and needs no `webSocketImpl`; React takes the same client.
 */
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { CloseCode, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

const START = gql`
  mutation Start($flowId: ID!) {
    startJob(input: { flowId: $flowId }) {
      ... on StartJobPayload {
        job {
          id
          status
        }
      }
      ... on Error {
        message
      }
    }
  }
`;

const WATCH = gql`
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

const READ = gql`
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

const client = new ApolloClient({
  cache: new InMemoryCache({
    // For fragments on interfaces. The plugin "fragment-matcher" of graphql-codegen writes them all.
    possibleTypes: { Error: ['NotFoundError', 'ValidationError', 'ForbiddenError'] },
  }),
  link: ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(sockets),
    new HttpLink({ uri: url, headers: credentials }),
  ),
});

const { data: started } = await client.mutate<{
  startJob: { job?: { id: string; status: string }; message?: string };
}>({ mutation: START, variables: { flowId } });
const id = started?.startJob.job?.id;
if (id === undefined) throw new Error(started?.startJob.message);
console.log(`Started ${id}`);

// A state stream: the present state first, then what changes, until the job has ended.
await new Promise<void>((resolve, reject) => {
  client
    .subscribe<{
      jobMonitoring: { status: string; routines: { routineId: string; executionCount: number }[] };
    }>({ query: WATCH, variables: { id } })
    .subscribe({
      next({ data }) {
        const { status, routines = [] } = data?.jobMonitoring ?? {};
        const counts = routines.map((each) => `${each.routineId} ${each.executionCount}`);
        console.log(`${status}: ${counts.join(', ')}`);
      },
      error: reject,
      complete: resolve,
    });
});

const { data } = await client.query<{ job: { status: string; durationMs: number } }>({
  query: READ,
  variables: { id },
});
console.log(`${data?.job.status} after ${data?.job.durationMs} ms`);

client.stop();
await sockets.dispose();
