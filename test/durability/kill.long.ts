import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { hasPostgres, makePostgresUrl } from '../support/shared-postgres.ts';
import { useBuilt } from './built.ts';
import { createDice, type Dice, readSeed } from './dice.ts';
import { makeDirectory } from './place.ts';
import { LostAnswerError, type ServerProcess, startProcess } from './process.ts';
import { Trial } from './trial.ts';

// O1, "Durable": servers are killed at random moments, and nothing that was accepted is lost.

const seed = readSeed();
const LIMIT_MS = 1_200_000;

const built = useBuilt();

interface Ordeal {
  readonly dice: Dice;
  readonly trial: Trial;
  readonly kills: number;
  /** How long a server runs before it is killed, in milliseconds: least and most. */
  readonly upMs: readonly [number, number];
  launch(): ServerProcess;
}

/** How the life of a process ended, in numbers. */
interface Ends {
  /** Killed while it worked. */
  running: number;
  /** Killed before it listened. */
  starting: number;
  /** Killed after it was told to stop. */
  stopping: number;
  /** Was faster than the signal that should have killed it. */
  stopped: number;
}

function killed({ running, starting, stopping }: Ends): number {
  return running + starting + stopping;
}

async function undergo({ dice, trial, kills, upMs, launch }: Ordeal): Promise<Ends> {
  const ends: Ends = { running: 0, starting: 0, stopping: 0, stopped: 0 };
  let startMs = 1_000;
  while (killed(ends) < kills) {
    const server = launch();
    const beginMs = performance.now();
    // Most of the time before it listens the program is being loaded.
    if (dice.chance(0.2)) {
      await delay(dice.between(startMs / 2, startMs));
      await server.kill();
      ends.starting += 1;
    } else {
      await server.url;
      startMs = Math.ceil(performance.now() - beginMs);
      await trial.check(server);
      const isWorking = new AbortController();
      trial.allow((killed(ends) + 1) / kills);
      const work = beBusy(server, trial, dice, isWorking.signal);
      await delay(dice.between(...upMs));
      if (dice.chance(0.25)) {
        server.send('SIGTERM');
        await Promise.race([server.ended, delay(dice.between(0, 500))]);
        ends[server.hasEnded ? 'stopped' : 'stopping'] += 1;
      } else ends.running += 1;
      await server.kill();
      isWorking.abort();
      await work;
    }
    checkLog(server);
    trial.noteEnd();
  }
  const server = launch();
  await server.url;
  await trial.check(server);
  await trial.finish(server);
  server.send('SIGTERM');
  expect(await server.ended).toEqual({ code: 0, signal: null });
  checkLog(server);
  return ends;
}

/** Does what clients do, until there is no server any more. */
async function beBusy(
  server: ServerProcess,
  trial: Trial,
  dice: Dice,
  signal: AbortSignal,
): Promise<void> {
  try {
    while (!signal.aborted) {
      await trial.act(server);
      await delay(dice.between(0, 150));
    }
  } catch (error) {
    if (!(error instanceof LostAnswerError)) throw error;
  }
}

/** Nothing went wrong in it that nobody expected. */
function checkLog({ stderr }: ServerProcess): void {
  const error = 50;
  for (const line of stderr.split('\n')) {
    if (line.startsWith('{')) expect(JSON.parse(line).level, line).toBeLessThan(error);
    else expect(line).toBe('');
  }
}

function print(place: string, ends: Ends, trial: Trial): void {
  console.log(`${place}, seed ${seed}: ${JSON.stringify({ ...ends, ...trial.counts })}`);
}

const PLACES = [
  {
    name: 'SQLite',
    isThere: true,
    kills: 28,
    makeUrl: async (directory: string) => `sqlite:${join(directory, 'millrace.db')}`,
  },
  { name: 'PostgreSQL', isThere: hasPostgres, kills: 24, makeUrl: () => makePostgresUrl() },
];

for (const [at, { name, isThere, kills, makeUrl }] of PLACES.entries()) {
  describe.skipIf(!isThere)(`on ${name}`, () => {
    it(
      'keeps its word over many kills, with checkpoints in quick succession',
      async () => {
        const directory = await makeDirectory();
        const settings = {
          flows: built.flows,
          database: await makeUrl(directory),
          checkpointIntervalMs: 100,
          closeGraceMs: 400,
          maxRunningJobs: 8,
          maxCrashes: 1_000,
        };
        const dice = createDice(seed + at);
        const effects = join(directory, 'effects');
        const size = { count: [10, 60], paceMs: [5, 80] } as const;
        const trial = new Trial({ dice, effects, jobs: 63, ...size });
        const launch = () => startProcess(built.server, [JSON.stringify(settings)]);
        const ends = await undergo({ dice, trial, kills, upMs: [20, 1_200], launch });
        print(name, ends, trial);
      },
      LIMIT_MS,
    );

    it(
      'keeps its word when `millrace start` is killed',
      async () => {
        const directory = await makeDirectory();
        const url = await makeUrl(directory);
        const dice = createDice(seed + at + 10);
        const effects = join(directory, 'effects');
        const size = { count: [20, 60], paceMs: [20, 150] } as const;
        const trial = new Trial({ dice, effects, jobs: 14, ...size });
        const where = ['--port', '0', '--flows', built.flows, '--database-url', url];
        const launch = () => startProcess(built.cli, ['start', ...where]);
        // More would count as a crash loop.
        const ends = await undergo({ dice, trial, kills: 5, upMs: [500, 7_000], launch });
        print(`${name}, millrace start`, ends, trial);
      },
      LIMIT_MS,
    );
  });
}
