/* Serves one contender on a free port and tells the parent process where, and how to ask. */
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { buildSchema, execute, parse } from 'graphql';
import { createSchema, createYoga } from 'graphql-yoga';
import mercurius from 'mercurius';
import {
  type Served,
  serveDefault,
  serveProtected,
  serveTrusted,
  serveUnprotected,
} from './millrace.ts';
import { makePlainJobs, QUERY } from './operation.ts';

const TYPES = `
  type Job { id: ID! status: String! flowId: String! owner: String priority: Int! createdAt: String! finishedAt: String durationMs: Float }
  type Page { nodes: [Job!]! }
  type Query { jobs(first: Int): Page! }
`;

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer); // no encoding is set, so chunks are buffers
  return Buffer.concat(chunks).toString();
}

function serve(listener: RequestListener): Promise<Served> {
  const server = createServer(listener);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve({ port: (server.address() as AddressInfo).port }); // it listens on TCP
    });
  });
}

/** Each way to answer, by its name. */
const CONTENDERS: Readonly<Record<string, () => Promise<Served>>> = {
  'JSON.stringify over node:http': async () => {
    const jobs = makePlainJobs();
    return serve(async (request, response) => {
      JSON.parse(await readBody(request));
      const body = JSON.stringify({ data: { jobs: { nodes: jobs } } });
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      });
      response.end(body);
    });
  },
  'graphql-js over node:http': async () => {
    const schema = buildSchema(TYPES);
    const document = parse(QUERY);
    const nodes = makePlainJobs();
    return serve(async (request, response) => {
      JSON.parse(await readBody(request));
      const result = await execute({ schema, document, rootValue: { jobs: { nodes } } });
      const body = JSON.stringify(result);
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      });
      response.end(body);
    });
  },
  yoga: async () => {
    const nodes = makePlainJobs();
    const resolvers = { Query: { jobs: () => ({ nodes }) } };
    const yoga = createYoga({ schema: createSchema({ typeDefs: TYPES, resolvers }) });
    return serve((request, response) => void yoga(request, response));
  },
  'mercurius + jit': async () => {
    const nodes = makePlainJobs();
    const fastify = Fastify();
    await fastify.register(mercurius, {
      schema: TYPES,
      resolvers: { Query: { jobs: () => ({ nodes }) } },
      jit: 1,
    });
    await fastify.listen({ port: 0, host: '127.0.0.1' });
    return { port: (fastify.server.address() as AddressInfo).port }; // it listens on TCP
  },
  Millrace: serveDefault,
  'Millrace, no protection': serveUnprotected,
  'Millrace, all protections': serveProtected,
  'Millrace, trusted documents too': serveTrusted,
};

const name = process.argv[2] ?? '';
const start = CONTENDERS[name];
if (start === undefined) throw new Error(`No contender "${name}".`);
process.send?.(await start());
process.on('SIGINT', () => process.exit());
process.on('disconnect', () => process.exit());
