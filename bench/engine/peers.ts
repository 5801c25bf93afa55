import { Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import async from 'async';
import fastq from 'fastq';
import { concatMap, from, lastValueFrom, type Observable } from 'rxjs';
import type { Contender } from '../harness/rounds.ts';
import { type Datum, Sink, STAGES, step } from './work.ts';

/** What Millrace is measured against: the same chain by other means. None of them lets anybody watch it. */
export function makePeers(items: number): Contender[] {
  return [
    { name: LIMIT, run: () => runDirectCalls(items) },
    { name: 'node streams, object mode', run: () => runStreams(items) },
    { name: 'fastq', run: () => runFastq(items) },
    { name: 'async.queue', run: () => runAsyncQueue(items) },
    { name: 'rxjs concatMap(async)', run: () => runRxjs(items) },
  ];
}

/** The name of the contender that does nothing but the calls. */
export const LIMIT = 'direct async/await (limit)';

async function runDirectCalls(items: number): Promise<void> {
  const sink = new Sink();
  const stages = Array.from({ length: STAGES }, () => async (datum: Datum) => step(datum));
  for (let id = 0; id < items; id++) {
    let datum: Datum = { id, value: 0 };
    for (const stage of stages) datum = await stage(datum);
    sink.take(datum);
  }
  sink.check(items);
}

async function runStreams(items: number): Promise<void> {
  const sink = new Sink();
  let id = 0;
  const source = new Readable({
    objectMode: true,
    read() {
      while (id < items) if (!this.push({ id: id++, value: 0 })) return;
      this.push(null);
    },
  });
  const stages = Array.from(
    { length: STAGES - 1 },
    () =>
      new Transform({
        objectMode: true,
        transform: (datum: Datum, _encoding, done) => done(null, step(datum)),
      }),
  );
  const end = new Writable({
    objectMode: true,
    write(datum: Datum, _encoding, done) {
      sink.take(step(datum));
      done();
    },
  });
  await pipeline([source, ...stages, end]);
  sink.check(items);
}

/** Queues have no way to slow their producer down: all items stand in the first one from the start. */
function runFastq(items: number): Promise<void> {
  const sink = new Sink();
  return new Promise<void>((resolve) => {
    let push = (datum: Datum): void => {
      sink.take(datum);
      if (sink.count === items) resolve();
    };
    for (let stage = 0; stage < STAGES; stage++) {
      const next = push;
      // A worker with a callback that is called at once would nest all stages in one call and queue nothing.
      const queue = fastq.promise<unknown, Datum, void>(async (datum) => next(step(datum)), 1);
      push = (datum) => void queue.push(datum);
    }
    for (let id = 0; id < items; id++) push({ id, value: 0 });
  }).then(() => sink.check(items));
}

function runAsyncQueue(items: number): Promise<void> {
  const sink = new Sink();
  return new Promise<void>((resolve) => {
    let push = (datum: Datum): void => {
      sink.take(datum);
      if (sink.count === items) resolve();
    };
    for (let stage = 0; stage < STAGES; stage++) {
      const next = push;
      const queue = async.queue<Datum>((datum, done) => {
        next(step(datum));
        done();
      }, 1);
      // With a callback of its own `push` makes no promise, which is what is fast.
      push = (datum) => queue.push(datum, () => undefined);
    }
    for (let id = 0; id < items; id++) push({ id, value: 0 });
  }).then(() => sink.check(items));
}

async function runRxjs(items: number): Promise<void> {
  const sink = new Sink();
  let chain: Observable<Datum> = from(data(items));
  for (let stage = 0; stage < STAGES; stage++) {
    chain = chain.pipe(concatMap(async (datum) => step(datum)));
  }
  await lastValueFrom(
    chain.pipe(
      concatMap((datum) => {
        sink.take(datum);
        return [datum];
      }),
    ),
  );
  sink.check(items);
}

function* data(items: number): Generator<Datum> {
  for (let id = 0; id < items; id++) yield { id, value: 0 };
}
