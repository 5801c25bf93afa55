import { builder } from '../graphql/builder.ts';
import type { Context } from '../graphql/context.ts';
import { PreviewType } from '../monitoring/trace.schema.ts';
import type { DebugSession, Watch } from './debug-session.ts';
import type { WatchReading } from './watch-board.ts';

/** A watch, and a way to read all of its session at once. */
interface WatchOfSession {
  readonly watch: Watch;
  readonly read: () => Promise<readonly WatchReading[]>;
}

const WatchValueType = builder.objectRef<WatchReading>('WatchValue');
WatchValueType.implement({
  description: 'What a watch came to at a stop.',
  fields: (t) => ({
    type: t.string({
      nullable: true,
      description: '`string`, `number`, `list`, `object` …; null when it could not be worked out.',
      resolve: ({ evaluation }) => evaluation?.type,
    }),
    preview: t.field({
      type: PreviewType,
      nullable: true,
      description: 'The value; null when it could not be worked out.',
      resolve: ({ evaluation }) => evaluation?.preview,
    }),
    problem: t.exposeString('problem', {
      nullable: true,
      description: 'Why it could not be worked out.',
    }),
  }),
});

export const WatchType = builder.objectRef<WatchOfSession>('Watch');
WatchType.implement({
  description: 'An expression that is worked out at every stop of a job.',
  fields: (t) => ({
    watchId: t.string({
      description: 'Names it among those of the job, for `removeWatch`.',
      resolve: ({ watch }) => watch.id,
    }),
    expression: t.string({
      description: 'The expression.',
      resolve: ({ watch }) => watch.expression,
    }),
    value: t.field({
      type: WatchValueType,
      nullable: true,
      description:
        'What it comes to where the job stands still, in the first of the frames; null while the job does not. Worked ' +
        'out when it is first asked for at a stop, and anew after an edit: once for all who look.',
      resolve: async ({ watch, read }) => (await read()).find((each) => each.watch.id === watch.id),
    }),
  }),
});

/** The watches of a session. They are worked out together, once the value of one is asked for. */
export function watchesOf(
  { jobId, watches }: DebugSession,
  { debug }: Pick<Context, 'debug'>,
): WatchOfSession[] {
  let reading: Promise<readonly WatchReading[]> | undefined;
  const read = () => {
    reading ??= debug.readWatches(jobId);
    return reading;
  };
  return watches.map((watch) => ({ watch, read }));
}

/** A watch of a session. */
export function watchOf(
  { jobId }: DebugSession,
  watch: Watch,
  { debug }: Pick<Context, 'debug'>,
): WatchOfSession {
  return { watch, read: () => debug.readWatches(jobId) };
}
