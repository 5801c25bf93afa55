import { createApp } from '../../src/app.ts';
import { loadFlows } from '../../src/flows/flow-loader.ts';

/** What is set up otherwise than `millrace start` would. */
export interface ServerSettings {
  readonly flows: string;
  readonly database: string;
  readonly checkpointIntervalMs: number;
  readonly closeGraceMs: number;
  readonly maxRunningJobs: number;
  readonly maxCrashes: number;
}

// A server for tests: says where it listens, and is there until it is told to stop or its parent is gone.
const [text = '{}'] = process.argv.slice(2);
const settings: ServerSettings = JSON.parse(text);
const { database, checkpointIntervalMs, closeGraceMs, maxRunningJobs, maxCrashes } = settings;
process.stdin.on('end', () => process.exit(1)).resume();

const { flows } = await loadFlows(settings.flows);
const app = await createApp({
  flows,
  database,
  checkpointIntervalMs,
  closeGraceMs,
  engine: { maxRunningJobs },
  recovery: { maxCrashes },
});
const { url } = await app.listen({ port: 0 });
let isStopping = false;
process.on('SIGTERM', () => {
  if (isStopping) process.exit(143);
  isStopping = true;
  void app.close().then(() => process.exit(0));
});
process.stdout.write(`GraphiQL: ${url}\n`);
