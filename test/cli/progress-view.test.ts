import { expect, test } from 'vitest';
import { createProgressView } from '../../src/cli/progress-view.ts';
import { createEngine, defineFlow, defineRoutine, slot } from '../../src/engine/index.ts';
import { JobMonitor } from '../../src/monitoring/job-monitor.ts';

const ESCAPE = '\u001b';

/** A terminal as it looks after all that was written: knows going up, clearing downwards and the cursor. */
function fakeTerminal(columns: number, rows: number) {
  const lines: string[] = [''];
  let row = 0;
  let isCursorShown = true;
  const write = (text: string) => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the terminal's commands
    for (const part of text.split(/(\u001b\[\??\d*[A-Za-z]|\n|\r)/)) {
      if (part === '\n') lines[++row] ??= '';
      else if (part === `${ESCAPE}[?25l`) isCursorShown = false;
      else if (part === `${ESCAPE}[?25h`) isCursorShown = true;
      else if (part === `${ESCAPE}[0J`) lines.splice(row, lines.length, '');
      else if (part.endsWith('A') && part.startsWith(ESCAPE)) row -= Number(part.slice(2, -1));
      else if (part !== '\r') lines[row] += part;
    }
  };
  return {
    columns,
    rows,
    write,
    screen: () => lines.join('\n'),
    isCursorShown: () => isCursorShown,
  };
}

async function readingOfRun() {
  const flow = defineFlow({ id: 'numbers' }, (f) => {
    const take = defineRoutine({
      type: 'take',
      slots: { item: slot<unknown>() },
      run: (_inputs, ctx) => ctx.progress(3, 4),
    });
    const one = f.add('one', take);
    f.add('another', defineRoutine({ type: 'source', run: () => undefined }));
    f.connect(f.input, one.slots.item);
  });
  const engine = createEngine();
  const job = engine.start(flow, 1 as never);
  const monitor = new JobMonitor(job);
  const before = monitor.read();
  await job.settled;
  await engine.close();
  return { before, after: monitor.read() };
}

test('draws over itself, keeps lines that were printed, and gives the cursor back', async () => {
  const { before, after } = await readingOfRun();
  const terminal = fakeTerminal(80, 24);
  const view = createProgressView(terminal);
  view.draw(before);
  expect(terminal.isCursorShown()).toBe(false);
  view.print('WARNING one: hot');
  view.draw(after);
  view.close();
  view.close();
  expect(terminal.isCursorShown()).toBe(true);
  expect(terminal.screen()).toBe(
    [
      'WARNING one: hot',
      'COMPLETED',
      '  one      COMPLETED  ███████████████░░░░░ 3/4',
      '  another  COMPLETED         1 done',
      '',
    ].join('\n'),
  );
});

test('fits what is too wide or too high', async () => {
  const { after } = await readingOfRun();
  const terminal = fakeTerminal(20, 3);
  const view = createProgressView(terminal);
  view.draw(after);
  view.draw(after);
  expect(terminal.screen()).toBe('COMPLETED\n…\n');
});
