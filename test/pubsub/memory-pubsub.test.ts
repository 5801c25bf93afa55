import { expect, test } from 'vitest';
import { createMemoryPubSub } from '../../src/pubsub/memory-pubsub.ts';

interface Messages {
  number: number;
  text: string;
}

function open() {
  const errors: unknown[] = [];
  return { errors, pubsub: createMemoryPubSub<Messages>((error) => errors.push(error)) };
}

test('tells the listeners of a topic, in the order they came, and no other', () => {
  const { pubsub } = open();
  const told: string[] = [];
  pubsub.subscribe('number', (number) => told.push(`first ${number}`));
  pubsub.subscribe('number', (number) => told.push(`second ${number}`));
  pubsub.subscribe('text', (text) => told.push(text));
  pubsub.publish('number', 1);
  expect(told).toEqual(['first 1', 'second 1']);
});

test('a listener that throws breaks neither the others nor the one who publishes', () => {
  const { pubsub, errors } = open();
  const told: number[] = [];
  pubsub.subscribe('number', () => {
    throw new Error('bad listener');
  });
  pubsub.subscribe('number', (number) => told.push(number));
  pubsub.publish('number', 7);
  expect(told).toEqual([7]);
  expect(errors).toEqual([new Error('bad listener')]);
});

test('one function subscribed twice is told twice, and leaves one at a time', () => {
  const { pubsub } = open();
  let count = 0;
  const listen = () => void count++;
  const leave = pubsub.subscribe('text', listen);
  pubsub.subscribe('text', listen);
  pubsub.publish('text', '');
  expect(count).toBe(2);
  leave();
  leave();
  expect(pubsub.listenerCount('text')).toBe(1);
  pubsub.publish('text', '');
  expect(count).toBe(3);
});

test('listeners may come and go while a message is told', () => {
  const { pubsub } = open();
  const told: string[] = [];
  const leave = pubsub.subscribe('text', (text) => {
    told.push(text);
    leave();
    pubsub.subscribe('text', (next) => told.push(`new ${next}`));
  });
  pubsub.publish('text', 'a');
  pubsub.publish('text', 'b');
  expect(told).toEqual(['a', 'new b']);
  expect(pubsub.listenerCount('number')).toBe(0);
});
