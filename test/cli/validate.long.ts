import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BAD_FLOWS, GOOD_FLOWS, millrace } from './millrace.ts';

test('a good flow is shown as a graph', async () => {
  const { code, stdout, stderr } = await millrace('validate', 'doubling', '--flows', GOOD_FLOWS);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toBe(`Flow "doubling" version 2 can run.

2 routines, 1 connections:
  each (each, immediate)
    input ← input (1000 items, block)
  twice (double, immediate)
    number ← each.number (1000 items, block)
  output doubled ← twice.doubled
`);
});

test('warnings are told with code and place, and are no fault', async () => {
  const { code, stdout } = await millrace('validate', 'doubtful', '--flows', GOOD_FLOWS);
  expect(code).toBe(0);
  expect(stdout).toContain('Warnings:\n  UNREACHABLE_ROUTINE at lonely: ');
});

test('each fault is told with code and place', async () => {
  const { code, stdout, stderr } = await millrace('validate', join(BAD_FLOWS, 'invalid.flow.ts'));
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain('invalid.flow.ts\n');
  expect(stderr).toContain('\n  UNKNOWN_ROUTINE at nobody.x: ');
  expect(stderr).toContain('\n  UNKNOWN_SLOT at sink.other: ');
  expect(stderr).toContain('\n  UNCONNECTED_SLOT at sink.item: ');
});

test('a module that throws, and one that is not there', async () => {
  const broken = await millrace('validate', join(BAD_FLOWS, 'broken.flow.ts'));
  expect(broken.code).toBe(1);
  expect(broken.stderr).toMatch(/IMPORT_FAILED: line 8: The database is not configured\./);
  const missing = await millrace('validate', './nowhere.flow.ts');
  expect(missing.code).toBe(1);
  expect(missing.stderr).toContain('NOT_FOUND: There is no such file.');
});
