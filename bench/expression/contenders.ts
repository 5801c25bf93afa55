import * as cel from 'cel-js';
import jexl from 'jexl';
import { compileExpression } from '../../src/expression/expression.ts';
import type { Scope } from '../../src/expression/run.ts';
import type { Contender } from '../harness/rounds.ts';

/** What conditions look at. */
interface Frame {
  readonly items: readonly number[];
  readonly status: string;
  readonly item: { readonly n: number; readonly name: string };
}

/** One condition in the languages that are compared. */
export interface Condition {
  /** In ours. */
  readonly text: string;
  readonly native: (frame: Frame) => boolean;
  readonly cel: string;
  readonly jexl: string;
}

export const CONDITIONS: readonly Condition[] = [
  {
    text: "len(items) > 3 and status == 'error'",
    native: ({ items, status }) => items.length > 3 && status === 'error',
    cel: "size(items) > 3 && status == 'error'",
    jexl: "len(items) > 3 && status == 'error'",
  },
  {
    text: 'item.n < 0',
    native: ({ item }) => item.n < 0,
    cel: 'item.n < 0',
    jexl: 'item.n < 0',
  },
];

/** A scope as the debugger has: a value is worked out when it is read. */
class FrameScope implements Scope {
  frame: Frame | undefined;

  read(name: string): unknown {
    switch (name) {
      case 'item':
        return this.frame?.item;
      case 'items':
        return this.frame?.items;
      case 'status':
        return this.frame?.status;
      default:
        return undefined;
    }
  }
}

/** Frames of which one in four meets each condition. */
const FRAMES: readonly Frame[] = Array.from({ length: 64 }, (_, at) => ({
  items: at % 2 === 0 ? [1, 2, 3, 4] : [1],
  status: at % 4 === 0 ? 'error' : 'done',
  item: { n: at % 4 === 0 ? -1 : at, name: `item ${at}` },
}));

/** Those that parse each time are slower by so much that they do less. */
const PARSE_SHARE = 100;

/** Ways to work out a condition, each on the same frames. */
export function makeContenders(
  condition: Condition,
  items: number,
): (Contender & { readonly evaluations: number })[] {
  const expression = compileExpression(condition.text, ['item', 'items', 'status']);
  const scope = new FrameScope();
  const parsed = cel.parse(condition.cel);
  if (!parsed.isSuccess) throw new Error(parsed.errors.join(', '));
  const jexlEngine = new jexl.Jexl();
  jexlEngine.addFunction('len', (list: readonly unknown[]) => list.length);
  const compiled = jexlEngine.compile(condition.jexl);

  const contend = (name: string, evaluations: number, isMet: (frame: Frame) => unknown) => ({
    name,
    evaluations,
    async run() {
      let count = 0;
      for (let at = 0; at < evaluations; at++) {
        if (isMet(FRAMES[at & 63] as Frame) === true) count++; // there are 64
      }
      const expected = Math.ceil(evaluations / 4);
      if (count !== expected) throw new Error(`${name} found ${count}, not ${expected}.`);
    },
  });
  return [
    contend('JavaScript closure', items, condition.native),
    contend('millrace, compiled', items, (frame) => {
      scope.frame = frame;
      return expression.isTrueNow(scope);
    }),
    contend('jexl, compiled', Math.ceil(items / 10), (frame) => compiled.evalSync({ ...frame })),
    contend('cel-js, parsed before', Math.ceil(items / 10), (frame) =>
      cel.evaluate(parsed.cst, { ...frame }),
    ),
    contend('cel-js, parsed each time', Math.ceil(items / PARSE_SHARE), (frame) =>
      cel.evaluate(condition.cel, { ...frame }),
    ),
  ];
}
