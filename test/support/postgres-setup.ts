import { createServer } from 'node:net';
import type { TestProject } from 'vitest/node';
import { type PostgresServer, startPostgres } from './postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Port of this machine that tells the URL of the run's PostgreSQL to whoever connects. */
    readonly postgresPort: number;
  }
}

/**
 * One PostgreSQL for the whole test run, started when the first test asks for it, and stopped at the end. Tests run in
 * processes of their own, so they ask over a socket: it answers with the URL, or with nothing when it can't be started.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let starting: Promise<PostgresServer> | undefined;
  const teller = createServer((socket) => {
    socket.on('error', () => undefined);
    starting ??= startPostgres();
    starting.then(
      ({ url }) => socket.end(JSON.stringify({ url })),
      (error: unknown) => socket.end(JSON.stringify({ problem: String(error) })),
    );
  });
  await new Promise<void>((resolve) => teller.listen(0, '127.0.0.1', resolve));
  const address = teller.address();
  project.provide(
    'postgresPort',
    typeof address === 'object' && address !== null ? address.port : 0,
  );
  return async () => {
    teller.close();
    const server = await starting?.catch(() => undefined);
    await server?.remove();
  };
}
