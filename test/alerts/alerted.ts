import { defineFlow, defineRoutine, event, slot } from 'millrace/engine';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import type { Alert } from '../../src/alerts/alert.ts';
import type { AlertRuleConfig } from '../../src/alerts/alert-rule.ts';
import type { App, AppOptions } from '../../src/app.ts';
import { openApp } from '../api/api.ts';
import { Gate, range } from '../engine/parts.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** A flow that fills the slot `work.item`, which holds four, and whose items wait at a gate. */
export function fullFlow(gate: Gate) {
  const source = defineRoutine({
    type: 'source',
    slots: { count: slot<number>() },
    events: { item: event<number>() },
    run: async ({ count }, ctx) => {
      for (const n of range(count)) await ctx.emit('item', n);
    },
  });
  const work = defineRoutine({
    type: 'work',
    slots: { item: slot<number>({ maxLength: 4 }) },
    run: () => gate.pass(),
  });
  return defineFlow({ id: 'full', input: z.number() }, (f) => {
    const from = f.add('source', source);
    f.connect(f.input, from.slots.count);
    f.connect(from.events.item, f.add('work', work).slots.item);
  });
}

/** A flow whose routine `check` fails on numbers below zero, and goes on; then it waits at a gate. */
export function checkingFlow(gate: Gate) {
  const check = defineRoutine({
    type: 'check',
    slots: { numbers: slot<number[]>() },
    events: { number: event<number>() },
    run: ({ numbers }, ctx) => {
      for (const n of numbers) ctx.emit('number', n);
    },
  });
  const refuse = defineRoutine({
    type: 'refuse',
    slots: { number: slot<number>() },
    run: ({ number }) => {
      if (number < 0) throw new RangeError(`${number} is negative.`);
      return number === 0 ? gate.pass() : undefined;
    },
  });
  return defineFlow({ id: 'checking', input: z.array(z.number()), onError: 'continue' }, (f) => {
    const all = f.add('split', check);
    f.connect(f.input, all.slots.numbers);
    f.connect(all.events.number, f.add('check', refuse).slots.number);
  });
}

/** A flow whose jobs fail with the message that is their input. */
export function failingFlow(id = 'failing') {
  const fail = defineRoutine({
    type: 'fail',
    slots: { message: slot<string>() },
    run: ({ message }) => {
      throw new Error(message);
    },
  });
  return defineFlow({ id, input: z.string() }, (f) => {
    f.connect(f.input, f.add('fail', fail).slots.message);
  });
}

interface AlertedOptions extends Partial<AppOptions> {
  readonly clock?: ManualClock;
}

/** An app with these rules in its configuration, a clock of the test, and no services but those of the test. */
export async function openAlerted(
  rules: readonly AlertRuleConfig[],
  { clock = new ManualClock(), ...options }: AlertedOptions = {},
) {
  const gate = new Gate();
  const app = await openApp({
    flows: [fullFlow(gate), checkingFlow(gate), failingFlow(), failingFlow('other')],
    clock,
    health: { parts: false },
    ...options,
    alerts: { rules },
  });
  onTestFinished(() => gate.openAll());
  return { app, clock, gate };
}

/** All alerts of the tenant `default`, the newest first. */
export function listAll(app: App): Promise<readonly Alert[]> {
  return app.alerts.list({ filter: {}, limit: 1000, fromEnd: false });
}

export async function listOpen(app: App): Promise<readonly Alert[]> {
  return (await listAll(app)).filter(({ resolvedAt }) => resolvedAt === undefined);
}
