import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { BAD_FLOWS, GOOD_FLOWS, linesOf, millrace, start } from './millrace.ts';

const GOOD_MODULE = join(GOOD_FLOWS, 'good.flow.ts');

describe('millrace run, into a pipe', () => {
  test('writes what happens as JSON lines, and the result last', async () => {
    const input = '{"numbers": [1, 2, 3]}';
    const { code, stdout, stderr } = await millrace(
      'run',
      'doubling',
      '--flows',
      GOOD_FLOWS,
      '--input',
      input,
    );
    expect([code, stderr]).toEqual([0, '']);
    const lines = linesOf(stdout);
    const types = lines.map(({ type }) => type);
    expect(types[0]).toBe('JOB_STARTED');
    expect(types.slice(-2)).toEqual(['JOB_COMPLETED', 'RESULT']);
    const completed = lines.filter(
      ({ type, routineId }) => type === 'ROUTINE_COMPLETED' && routineId === 'twice',
    );
    expect(completed.reduce((sum, { count }) => sum + Number(count), 0)).toBe(3);
    expect(lines.filter(({ type }) => type === 'LOG_WRITTEN')).toHaveLength(3);
    expect(lines.at(-1)).toMatchObject({
      flowId: 'doubling',
      state: 'COMPLETED',
      outputs: { doubled: [2, 4, 6] },
    });
    expect(new Set(lines.map(({ jobId }) => jobId)).size).toBe(1);
    for (const { at } of lines) {
      expect(at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    }
  });

  test('reads the input from a file, and finds a flow by the path of its module', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-input-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const file = join(directory, 'input.json');
    await writeFile(file, '{"numbers": [21]}');
    const { code, stdout } = await millrace(
      'run',
      `${GOOD_MODULE}#doubling`,
      '--input',
      `@${file}`,
    );
    expect(code).toBe(0);
    expect(linesOf(stdout).at(-1)).toMatchObject({ outputs: { doubled: [42] } });
  });

  test('a job that fails exits with 1 and says why', async () => {
    const { code, stdout } = await millrace('run', 'failing', '--flows', GOOD_FLOWS);
    expect(code).toBe(1);
    expect(linesOf(stdout).slice(-2)).toMatchObject([
      { type: 'JOB_FAILED', errorMessage: 'out of paper' },
      { type: 'RESULT', state: 'FAILED', error: { message: 'out of paper' } },
    ]);
  });

  test('SIGINT cancels the job and exits with 130, whatever the flow left open', async () => {
    const { written, kill, ended } = start(['run', 'endless', '--flows', GOOD_FLOWS]);
    await written(/"message":"waiting"/);
    kill('SIGINT');
    const { code, stdout } = await ended;
    expect(code).toBe(130);
    expect(linesOf(stdout).slice(-2)).toMatchObject([
      { type: 'JOB_CANCELLED', unresponsiveRoutineIds: [] },
      { type: 'RESULT', state: 'CANCELLED' },
    ]);
  });
});

describe('millrace run, called wrongly', () => {
  const run = (...args: string[]) => millrace('run', 'doubling', '--flows', GOOD_FLOWS, ...args);

  test('tells every fault of the input with its path', async () => {
    const { code, stdout, stderr } = await run('--input', '{"numbers": [1, "two", null]}');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('numbers[1]: ');
    expect(stderr).toContain('numbers[2]: ');
  });

  test.each([
    [['--input', '{"numbers": '], '--input is not JSON: '],
    [['--input', '@/nowhere/input.json'], "The input can't be read: ENOENT"],
    [['--speed', '9'], "Unknown option '--speed'"],
  ])('%j', async (args, message) => {
    const { code, stderr } = await run(...args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });

  test('a module with several flows wants one of them named', async () => {
    const { code, stderr } = await millrace('run', GOOD_MODULE);
    expect(code).toBe(2);
    expect(stderr).toContain('Known: doubling, doubtful, endless, failing.');
    expect((await millrace('run', `${GOOD_MODULE}#other`)).code).toBe(2);
  });

  test('faults of modules are told; a flow of another module runs all the same', async () => {
    const { code, stderr } = await millrace('run', 'never', '--flows', BAD_FLOWS);
    expect(code).toBe(1);
    expect(stderr).toContain('broken.flow.ts');
    expect(stderr).toContain('The database is not configured.');
  });
});
