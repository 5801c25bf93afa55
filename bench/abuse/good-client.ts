/* Somebody with a key who asks a small query at a steady rate and follows a job, whatever others do. */
import { setTimeout as sleep } from 'node:timers/promises';
import { answerParent } from '../harness/child.ts';
import { monotonicMs } from '../load/clock.ts';
import { RawClient } from '../load/raw-client.ts';
import { SteadyRequests } from './steady-requests.ts';

/** How often something is asked, in milliseconds. */
const EVERY_MS = 20;
/** How long an event may take to arrive, in milliseconds. */
const LATE_MS = 10_000;

export interface GoodClientTarget {
  readonly port: number;
  readonly bystanderPort: number;
  readonly key: string;
  readonly jobId: string;
}

/** What the client saw during an attack. Times are sorted and in milliseconds. */
export interface GoodClientReport {
  readonly requestsMs: readonly number[];
  /** The same, asked of a server that nobody attacks. */
  readonly bystanderMs: readonly number[];
  /** How long events were under way. */
  readonly eventsMs: readonly number[];
  /** Events that never came. */
  readonly lost: number;
  /** What failed, and how often. */
  readonly failures: Readonly<Record<string, number>>;
}

const QUERY = 'query Look($id: ID!) { job(id: $id) { id status } }';
const SUBSCRIPTION = `subscription Follow($id: ID!) {
  jobEvents(jobId: $id, types: [LOG_WRITTEN]) { ... on LogWrittenEvent { message } }
}`;

let requests: SteadyRequests | undefined;
let bystander: SteadyRequests | undefined;
let eventsMs: number[] = [];
/** Numbers that were left out, and messages whose numbers could not be read since they came in pieces. */
let missing = 0;
let unread = 0;
let sequence = 0;
let problem: string | undefined;

function takeEvent(text: string): void {
  const [, number, publishedMs] = /"message":"(\d+) ([\d.]+)"/.exec(text) ?? [];
  if (number === undefined) return;
  unread--;
  eventsMs.push(monotonicMs() - Number(publishedMs));
  if (sequence > 0) missing += Number(number) - sequence - 1;
  sequence = Number(number);
}

const tasks = {
  async connect({ port, bystanderPort, key, jobId }: GoodClientTarget) {
    const authorization = `Bearer ${key}`;
    const headers = { 'content-type': 'application/json', authorization };
    const body = JSON.stringify({ query: QUERY, variables: { id: jobId } });
    requests = new SteadyRequests({ port, headers, body, expected: '"RUNNING"' }, EVERY_MS);
    bystander = new SteadyRequests(
      { port: bystanderPort, headers, body, expected: 'data' },
      EVERY_MS,
    );
    await RawClient.open({
      port,
      connectionParams: { authorization },
      operations: [{ query: SUBSCRIPTION, variables: { id: jobId } }],
      inspect: takeEvent,
      onMessages: (count) => {
        unread += count;
      },
      onComplete: () => {
        problem ??= 'The subscription ended.';
      },
      onProblem: (what) => {
        problem ??= what;
      },
    });
  },
  async begin(_request: object) {
    eventsMs = [];
    missing = 0;
    unread = 0;
    requests?.begin();
    await sleep(EVERY_MS / 2); // so that the one is not asked just when the other is
    bystander?.begin();
  },
  /** @param lastSequence the newest event there was */
  async end({ lastSequence }: { readonly lastSequence: number }): Promise<GoodClientReport> {
    const asked = await requests?.end();
    const others = await bystander?.end();
    const latestMs = monotonicMs() + LATE_MS;
    while (sequence < lastSequence && problem === undefined && monotonicMs() < latestMs) {
      await sleep(10);
    }
    const failures: Record<string, number> = { ...asked?.failures };
    if (problem !== undefined) failures[problem] = 1;
    const sort = (times: readonly number[] = []) => [...times].sort((a, b) => a - b);
    return {
      requestsMs: sort(asked?.timesMs),
      bystanderMs: sort(others?.timesMs),
      eventsMs: sort(eventsMs),
      lost: Math.max(0, missing + lastSequence - sequence - unread),
      failures,
    };
  },
};

export type GoodClientTasks = typeof tasks;

answerParent(tasks);
