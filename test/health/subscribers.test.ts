import { expect, test } from 'vitest';
import type { ServiceChange } from '../../src/health/health.ts';
import type { ServiceStatus } from '../../src/health/service.ts';
import { createSubscribers } from '../../src/health/subscribers.ts';
import { settle } from '../support/manual-clock.ts';

function change(service: string, from: ServiceStatus, to: ServiceStatus): ServiceChange {
  const explanation = {
    rule: 'FIRST_RESULT',
    text: 'The first.',
    threshold: 1,
    observed: 1,
    result: undefined,
  } as const;
  return { tenant: 'default', service, from, to, at: 0, explanation };
}

const inShort = ({ service, from, to }: ServiceChange) => `${service} ${from} ${to}`;

test('one subscriber that throws, and one that never answers, harm nobody (H3)', async () => {
  const errors: unknown[] = [];
  const subscribers = createSubscribers((error) => errors.push(error));
  const told: string[] = [];
  subscribers.add(() => {
    throw new Error('Broken.');
  });
  subscribers.add(() => Promise.reject(new Error('Broken, too.')));
  subscribers.add(() => new Promise(() => undefined));
  subscribers.add((each) => void told.push(inShort(each)));
  subscribers.tell(change('a', 'UNKNOWN', 'HEALTHY'));
  expect(told).toEqual([]); // nobody runs inside of what made the change
  await settle();
  subscribers.tell(change('b', 'UNKNOWN', 'UNHEALTHY'));
  await settle();
  expect(told).toEqual(['a UNKNOWN HEALTHY', 'b UNKNOWN UNHEALTHY']);
  expect(errors).toHaveLength(4);
});

test('who is slow is told of one change for each service, from what it knows to what is (H3)', async () => {
  const subscribers = createSubscribers(() => undefined);
  const told: string[] = [];
  const held: (() => void)[] = [];
  subscribers.add((each) => {
    told.push(inShort(each));
    return new Promise((keep) => held.push(keep));
  });
  subscribers.tell(change('a', 'UNKNOWN', 'HEALTHY'));
  await settle();
  subscribers.tell(change('a', 'HEALTHY', 'DEGRADED'));
  subscribers.tell(change('b', 'HEALTHY', 'UNHEALTHY'));
  subscribers.tell(change('a', 'DEGRADED', 'UNHEALTHY'));
  subscribers.tell(change('c', 'HEALTHY', 'DEGRADED'));
  subscribers.tell(change('c', 'DEGRADED', 'HEALTHY'));
  for (let round = 0; round < 4; round++) {
    held.shift()?.();
    await settle();
  }
  expect(told).toEqual(['a UNKNOWN HEALTHY', 'a HEALTHY UNHEALTHY', 'b HEALTHY UNHEALTHY']);
});

test('who has left is told no more', async () => {
  const subscribers = createSubscribers(() => undefined);
  const told: string[] = [];
  const leave = subscribers.add((each) => void told.push(inShort(each)));
  subscribers.tell(change('a', 'UNKNOWN', 'HEALTHY'));
  leave();
  await settle();
  subscribers.tell(change('a', 'HEALTHY', 'UNHEALTHY'));
  await settle();
  expect(told).toEqual([]);
});
