import { compileExpression, type Expression } from '../expression/expression.ts';
import { parseExpression } from '../expression/parse.ts';
import { partsOf, type Syntax } from '../expression/syntax.ts';
import { messageOf } from '../lib/domain-error.ts';
import { looksSecret, maskSecrets } from '../lib/mask-secrets.ts';
import { cutText, preview } from '../lib/preview.ts';
import { isNameOfPair, MASK } from '../lib/secret-names.ts';
import { SecretHider } from './secret-hider.ts';

/** What conditions may read. `body`: the answer's body, read as JSON; undefined where there is none. */
export const CONDITION_NAMES = ['body', 'status', 'responseTimeMs'] as const;

/** What there is of an answer. */
export interface ConditionValues {
  readonly body: unknown;
  readonly status: number;
  readonly responseTimeMs: number;
}

/** The conditions of a check, ready to be worked out any number of times. */
export interface Conditions {
  readonly count: number;
  /** Whether the body has to be read as JSON for them. */
  readonly readsBody: boolean;
  /**
   * Which are not true, with the values that they read, for people; `undefined` when all are. One that can't be worked out
   * is not true.
   */
  findFailures(values: ConditionValues): string | undefined;
}

/** Values that are shown of one condition, and characters of each. */
const MOST_SEEN = 5;
const SEEN_LENGTH = 100;
const LONGEST_CONDITION = 200;
const LONGEST_ERROR = 1_000;

/**
 * @param secrets are not told: what the service is sent, which it may send back
 * @throws ExpressionError for the first that can't be read
 */
export function compileConditions(
  texts: readonly string[],
  secrets: readonly string[] = [],
): Conditions {
  const hider = new SecretHider(secrets);
  const expressions = texts.map((text) => compileExpression(text, CONDITION_NAMES));
  const chainsOf = new Map(expressions.map((each) => [each, listChains(each.text)]));
  return {
    count: expressions.length,
    readsBody: expressions.some(({ reads }) => reads.includes('body')),
    findFailures: (values) => {
      const scope = { read: (name: string) => readValue(values, name) };
      const failures: string[] = [];
      const shown = new Map<string, string>();
      const show = (chain: Chain) => {
        const text = shown.get(chain.text) ?? showPart(chain, values, hider);
        shown.set(chain.text, text);
        return text;
      };
      for (const expression of expressions) {
        const failure = findFailure(expression, scope, hider, () =>
          (chainsOf.get(expression) ?? []).map(
            (chain) => `${hider.inText(chain.text)} was ${show(chain)}`,
          ),
        );
        if (failure !== undefined) failures.push(failure);
      }
      return failures.length === 0 ? undefined : cutText(failures.join('; '), LONGEST_ERROR);
    },
  };
}

function findFailure(
  expression: Expression,
  scope: Parameters<Expression['isTrueNow']>[0],
  hider: SecretHider,
  listSeen: () => readonly string[],
): string | undefined {
  let reason: string | undefined;
  try {
    if (expression.isTrueNow(scope)) return undefined;
  } catch (thrown) {
    // Without the beginning of a text that is not hidden there: what it read is told beside it.
    const message = messageOf(thrown).replace(/ from the text ".*"\.$/s, '.');
    reason = `it can't be worked out: ${message.replace(/\.$/, '')}`;
  }
  const told = [...(reason === undefined ? [] : [reason]), ...listSeen()];
  const why = told.length === 0 ? '' : ` (${told.join(', ')})`;
  return `Condition failed: ${cutText(hider.inText(expression.text), LONGEST_CONDITION)}${why}`;
}

/** A part of a value that a condition reads, as it is written: `body.checks[0].state`. */
interface Chain {
  readonly text: string;
  readonly name: string;
  readonly keys: readonly (string | number)[];
}

function listChains(text: string): readonly Chain[] {
  const chains = new Map<string, Chain>();
  collectChains(parseExpression(text), chains);
  return [...chains.values()].slice(0, MOST_SEEN);
}

function showPart({ name, keys }: Chain, values: ConditionValues, hider: SecretHider): string {
  let part: unknown = readValue(values, name);
  for (const key of keys) {
    part =
      part === null || part === undefined
        ? undefined
        : Object.getOwnPropertyDescriptor(part, key)?.value;
    if (typeof key === 'string' && looksSecret(key, part)) return MASK;
  }
  const masked = maskSecrets(copyBeginning(part, { left: SEEN_LENGTH }));
  return preview(hider.inValue(masked, SEEN_LENGTH), SEEN_LENGTH).text;
}

/**
 * Of JSON as much as can be seen of it, and what tells of a name beside that it is one of a secret: a body may be large, and
 * a service that fails is told of twenty times a second.
 *
 * @param room how many values there is room for: each takes more than a character
 */
function copyBeginning(part: unknown, room: { left: number }): unknown {
  room.left--;
  if (typeof part !== 'object' || part === null) return part;
  if (Array.isArray(part)) {
    const elements: unknown[] = [];
    for (const element of part) {
      if (room.left < 0) break;
      elements.push(copyBeginning(element, room));
    }
    return elements;
  }
  const entries: [key: string, value: unknown][] = [];
  for (const key of Object.keys(part)) {
    const value = Object.getOwnPropertyDescriptor(part, key)?.value;
    if (room.left < 0 && (typeof value !== 'string' || !isNameOfPair(key))) continue;
    entries.push([key, copyBeginning(value, room)]);
  }
  return Object.fromEntries(entries);
}

/** The longest chains of members that are written out, by their text. */
function collectChains(syntax: Syntax, chains: Map<string, Chain>): void {
  const chain = readChain(syntax);
  if (chain === undefined) {
    for (const part of partsOf(syntax)) collectChains(part, chains);
  } else chains.set(chain.text, chain);
}

function readChain(syntax: Syntax): Chain | undefined {
  if (syntax.kind === 'name') return { text: syntax.name, name: syntax.name, keys: [] };
  if (syntax.kind === 'chain') return readChain(syntax.of);
  if (syntax.kind !== 'member' || syntax.key.kind !== 'value') return undefined;
  const { value: key } = syntax.key;
  if (typeof key !== 'string' && typeof key !== 'number') return undefined;
  const before = readChain(syntax.object);
  if (before === undefined) return undefined;
  const isPlain = typeof key === 'string' && /^[A-Za-z_$][\w$]*$/.test(key);
  const link = isPlain ? `.${key}` : `[${JSON.stringify(key)}]`;
  return { text: `${before.text}${link}`, name: before.name, keys: [...before.keys, key] };
}

function readValue(values: ConditionValues, name: string): unknown {
  if (name === 'body') return values.body;
  return name === 'status' ? values.status : values.responseTimeMs;
}
