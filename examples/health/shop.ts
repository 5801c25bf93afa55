/*
 * Something to watch: a shop that answers health checks, and the agent of its stock, which reports how it is. Beside a server
 * that was started with `--config examples/health/millrace.config.ts`, from the directory of the project:
 *
 *   npx tsx examples/health/shop.ts
 *
 * Requests for /close and /open make the shop unhealthy and healthy.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

const REPORT_INTERVAL_MS = 1_000;

const REPORT = `mutation Report($input: ReportAgentStatusInput!) {
  reportAgentStatus(input: $input) { ... on Error { code message } }
}`;

/** A shop that is open. */
export interface Shop {
  /** Without a path. */
  readonly url: string;
  close(): Promise<void>;
}

/** Opens the shop. Its stock reports to a server of Millrace at `reportTo`. */
export async function openShop(port: number, reportTo: string): Promise<Shop> {
  let isOpen = true;
  const server = createServer(({ url }, response) => {
    if (url === '/close') isOpen = false;
    if (url === '/open') isOpen = true;
    const health = { isOpen, waitingOrders: 3 };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(health));
  });
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
  const { port: used } = server.address() as AddressInfo; // it listens

  const report = () => reportStock(reportTo).catch(() => undefined); // the next one may come through
  await report();
  const timer = setInterval(report, REPORT_INTERVAL_MS);
  return {
    url: `http://127.0.0.1:${used}`,
    close() {
      clearInterval(timer);
      server.closeAllConnections();
      return new Promise((closed) => server.close(() => closed()));
    },
  };
}

async function reportStock(url: string): Promise<void> {
  const input = {
    name: 'stock',
    status: 'running',
    health: 'healthy',
    details: { articles: 1_204 },
    expectedIntervalMs: REPORT_INTERVAL_MS,
  };
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: REPORT, variables: { input } }),
  });
  await response.text(); // so that the connection can be used again
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { MILLRACE_URL: reportTo = 'http://127.0.0.1:4000/graphql' } = process.env;
  const shop = await openShop(4100, reportTo);
  console.log(`The shop is open: ${shop.url}`);
}
