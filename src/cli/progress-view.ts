import type { JobReading, QueueReading, RoutineReading } from '../monitoring/readings.ts';

/** What is shown of a job: a reading of it, or as much of one as the API was asked for. */
export interface JobPicture extends Pick<JobReading, 'state' | 'isEnding'> {
  readonly routines: readonly RoutinePicture[];
}

interface RoutinePicture
  extends Pick<RoutineReading, 'routineId' | 'status' | 'executionCount' | 'errorCount'> {
  readonly progress:
    | { readonly done: number; readonly total?: number | null | undefined }
    | null
    | undefined;
  readonly queues: readonly Pick<
    QueueReading,
    'slot' | 'unconsumedCount' | 'maxLength' | 'usage' | 'pressureLevel'
  >[];
}

/** Where a view is drawn: a terminal. */
export interface Terminal {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** Shows how far a job is, at the bottom of a terminal, drawn over itself. */
export interface ProgressView {
  /** Shows a newer picture in place of the one before. After `close` it does nothing. */
  draw(picture: JobPicture): void;
  /** Writes a line that stays, above the view. */
  print(line: string): void;
  /** Leaves the last picture and the terminal as it was. To call it again changes nothing. */
  close(): void;
}

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const CLEAR_DOWN = '\u001b[0J';

/** Cells of a progress bar. */
const BAR_LENGTH = 20;

/** Begins a view where the cursor is, and hides the cursor until `close`. */
export function createProgressView(terminal: Terminal): ProgressView {
  let drawn: readonly string[] = [];
  let isClosed = false;

  const moveToTop = () => (drawn.length === 0 ? '' : `\u001b[${drawn.length}A\r${CLEAR_DOWN}`);
  const text = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');

  terminal.write(HIDE_CURSOR);
  return {
    draw(picture) {
      if (isClosed) return;
      const { columns = 80, rows = 24 } = terminal;
      const lines = describe(picture).map((line) => cut(line, columns - 1));
      // What has scrolled out of the screen could not be drawn over.
      const fitting = lines.length < rows ? lines : [...lines.slice(0, rows - 2), '…'];
      terminal.write(moveToTop() + text(fitting));
      drawn = fitting;
    },
    print(line) {
      terminal.write(`${moveToTop()}${line}\n${text(drawn)}`);
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      terminal.write(SHOW_CURSOR);
    },
  };
}

function describe({ state, isEnding, routines }: JobPicture): string[] {
  const width = Math.max(...routines.map(({ routineId }) => routineId.length));
  return [
    isEnding ? `${state}, ending …` : state,
    ...routines.map((routine) => {
      const { routineId, status } = routine;
      return `  ${routineId.padEnd(width)}  ${status.padEnd(9)}  ${describeProgress(routine)}${describeQueues(routine)}`;
    }),
  ];
}

/** A bar when the routine says how far it is and of how much, else how often it ran. */
function describeProgress({ progress, executionCount, errorCount }: RoutinePicture): string {
  const errors = errorCount === 0 ? '' : `, ${errorCount} failed`;
  const { done, total } = progress ?? {};
  if (done === undefined || total === undefined || total === null || !(total > 0)) {
    return `${String(executionCount).padStart(8)} done${errors}`;
  }
  const share = Math.min(1, Math.max(0, done / total));
  const full = Math.round(share * BAR_LENGTH);
  return `${'█'.repeat(full)}${'░'.repeat(BAR_LENGTH - full)} ${done}/${total}${errors}`;
}

function describeQueues({ queues }: RoutinePicture): string {
  return queues
    .filter(({ unconsumedCount }) => unconsumedCount > 0)
    .map(({ slot, unconsumedCount, maxLength, usage, pressureLevel }) => {
      const pressure = pressureLevel === 'LOW' ? '' : ` ${pressureLevel}`;
      return `  ${slot} ${unconsumedCount}/${maxLength} (${Math.round(usage * 100)} %${pressure})`;
    })
    .join('');
}

function cut(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
}
