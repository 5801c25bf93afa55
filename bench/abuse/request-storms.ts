import { Client } from 'undici';
import { formatKey, makeKeyText } from '../../src/auth/api-key.ts';
import { monotonicMs } from '../load/clock.ts';
import type { AttackTarget } from './attacks.ts';
import type { Tally } from './tally.ts';

/** So many keys that are not valid may come from one address in a minute by default. */
const TRIES_OF_ADDRESS = 600;
const SMALL = '{ __typename }';

/** How requests come: as fast as they are answered, until there were enough and the time is over. */
interface Storm {
  /** At least so many requests. */
  readonly least: number;
  /** Connections at the same time; on each one request after another. */
  readonly atOnce: number;
  /** So many requests of a connection; another takes its place then. Default: any number. */
  readonly requestsEach?: number;
  /** Where a connection comes from. Default: the attacker's address. */
  readonly addressOf?: (connection: number) => string;
  readonly makeKey: () => string;
  readonly makeDocument: (request: number) => string;
}

/** Requests with keys that look right, each another. */
export function badKeys(
  target: AttackTarget,
  tally: Tally,
  from: 'ONE_ADDRESS' | 'MANY_ADDRESSES',
): Promise<void> {
  const storm: Storm = {
    least: 10_000,
    atOnce: 50,
    makeKey: () => formatKey(makeKeyText()),
    makeDocument: () => SMALL,
  };
  if (from === 'ONE_ADDRESS') return run(target, tally, storm);
  // Each address has just as many tries as are looked at.
  const addressOf = (at: number) =>
    `127.${1 + (Math.floor(at / 62_500) % 254)}.${Math.floor(at / 250) % 250}.${1 + (at % 250)}`;
  return run(target, tally, { ...storm, requestsEach: TRIES_OF_ADDRESS, addressOf });
}

/** Documents of which no two are alike, by turns as dear to validate and as dear to execute as documents may be. */
export function dearDocuments(target: AttackTarget, tally: Tally): Promise<void> {
  return run(target, tally, {
    least: 1000,
    atOnce: 20,
    makeKey: () => target.key,
    makeDocument: (at) => (at % 2 === 0 ? makeLong(at) : makeCostly(at)),
  });
}

/** Small queries, with a key that is good. */
export function flood(target: AttackTarget, tally: Tally): Promise<void> {
  return run(target, tally, {
    least: 20_000,
    atOnce: 50,
    makeKey: () => target.key,
    makeDocument: () => SMALL,
  });
}

/** As many fields of the same name as there may be: each is compared with each, and so is what is in them. */
function makeLong(at: number): string {
  return `query Long${at} { ${'jobs(first: 1) { nodes { id } } '.repeat(50)} }`;
}

/** A large answer: of what one operation may cost nearly all. */
function makeCostly(at: number): string {
  return `query Costly${at} { jobs(first: 100) { totalCount nodes {
    id status input metadata createdAt durationMs
    logs(first: 100) { nodes { at level message } }
    routines { id status executionCount durations { count } queues { id unconsumedCount } }
  } } }`;
}

async function run(target: AttackTarget, tally: Tally, storm: Storm): Promise<void> {
  const { least, atOnce, requestsEach = Number.POSITIVE_INFINITY } = storm;
  const { addressOf = () => target.address } = storm;
  const endMs = monotonicMs() + target.durationMs;
  let requests = 0;
  let connections = 0;
  const isOver = () => requests >= least && monotonicMs() >= endMs;
  const send = async () => {
    while (!isOver()) {
      const localAddress = addressOf(connections++);
      const client = new Client(`http://127.0.0.1:${target.port}`, { localAddress });
      for (let sent = 0; sent < requestsEach && !isOver(); sent++) {
        const query = storm.makeDocument(requests++);
        tally.count(await ask(client, storm.makeKey(), query));
      }
      await client.close();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, send));
}

/** What became of one request. */
async function ask(client: Client, key: string, query: string): Promise<string> {
  try {
    const answer = await client.request({
      path: '/graphql',
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ query }),
    });
    const text = await answer.body.text();
    const code = /"code":"(\w+)"/.exec(text)?.[1] ?? '';
    return `${answer.statusCode} ${code}`.trim();
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}
