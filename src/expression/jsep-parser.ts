import objectPlugin from '@jsep-plugin/object';
import templatePlugin from '@jsep-plugin/template';
import jsep from 'jsep';
import { explainUnexpected, NO_COMMENTS } from './explain-unexpected.ts';
import { ExpressionError, type ExpressionFailure } from './expression-error.ts';
import type { JsepName, JsepNode } from './jsep-node.ts';

/** What we use of jsep's class; its own typing leaves it out. */
interface JsepParser {
  expr: string;
  index: number;
  readonly char: string;
  readonly code: number;
  parse(): JsepNode;
  gobbleSpaces(): void;
  gobbleExpressions(until?: number): JsepNode[];
  gobbleExpression(): JsepNode | false | undefined;
  gobbleBinaryExpression(): JsepNode | false | undefined;
  gobbleBinaryOp(): string | false;
  gobbleToken(): JsepNode | false | undefined;
  gobbleIdentifier(): JsepName & JsepNode;
  gobbleNumericLiteral(): JsepNode;
  gobbleArguments(end: number): JsepNode[];
  gobbleGroup(): JsepNode;
  throwError(message: string): never;
}

const Jsep = (jsep as unknown as { readonly Jsep: unknown }).Jsep as {
  // the class of which `jsep` is the short form
  new (text: string): JsepParser;
  readonly hooks: jsep.IHooks;
  readonly plugins: { readonly registered: { readonly ternary: jsep.IPlugin } };
};

/*
 * jsep keeps its operators, words and plugins on the class, for all who use it in the process. So ours are put there
 * only while we parse, which nothing can interrupt, and what was there is put back.
 */
const hooks = new (Jsep.hooks.constructor as new () => jsep.IHooks)();
const settings = {
  hooks,
  unary_ops: { '!': 1, '-': 1, '+': 1 },
  max_unop_len: 1,
  binary_ops: {},
  max_binop_len: 0,
  right_associative: new Set<string>(),
  additional_identifier_chars: new Set(['$', '_']),
  // Literals and `this` are told apart from names when the tree is read.
  literals: {},
  this_str: '',
};

const ours: object = Object.create(Jsep, { hooks: { value: hooks } });
for (const plugin of [Jsep.plugins.registered.ternary, objectPlugin, templatePlugin]) {
  // Their typing says `this`; they are called with an argument.
  (plugin.init as unknown as (jsep: object) => void)(ours);
}

const NOT_LEVEL = 3;
const COMPARISON_LEVEL = 4;
const POWER_LEVEL = 8;
/** How strongly an operator binds. `not` lies between `and` and the comparisons. */
const LEVELS: Readonly<Record<string, number>> = {
  ...{ or: 1, '??': 1, and: 2 },
  ...{ '==': 4, '!=': 4, '===': 4, '!==': 4, is: 4, 'is not': 4, in: 4, 'not in': 4 },
  ...{ '<': 4, '<=': 4, '>': 4, '>=': 4 },
  ...{ '+': 5, '-': 5, '*': 6, '/': 6, '%': 6, '**': POWER_LEVEL },
};
const SYNONYMS: Readonly<Record<string, string>> = { '&&': 'and', '||': 'or' };

const WORD_ENDS = String.raw`(?![\w$\u0080-\uffff])`;
const OPERATOR = new RegExp(
  String.raw`[=!]==?|[<>]=?(?![<>])|\*\*|[-+*/%](?!=)|&&|\|\||\?\?|(?:and|or|is\s+not|is|not\s+in|in)${WORD_ENDS}`,
  'y',
);
const NOT = new RegExp(`not${WORD_ENDS}`, 'y');
const NAME_START = /[A-Za-z_$\u0080-\uffff]/;
const SPACES = /\s*/y;

/** Parts that are parsed inside one another. The tree that comes of it is bounded more closely. */
const DEEPEST_PARSING = 500;

class Parser extends Jsep {
  readonly #text: string;
  #depth = 0;

  constructor(text: string, from: number, to: number) {
    super(text.slice(0, to));
    this.index = from;
    this.#text = text;
  }

  refuse(reason: ExpressionFailure, message: string, position = this.index): never {
    throw new ExpressionError(reason, message, { text: this.#text, position });
  }

  /** For what jsep and its plugins find. */
  override throwError(message: string): never {
    if (message.startsWith('Unclosed quote')) this.refuse('SYNTAX', 'A text has no closing quote.');
    const what = this.index >= this.expr.length ? 'it ends too soon' : message;
    return this.refuse('SYNTAX', `The expression can't be read: ${what}.`);
  }

  override gobbleSpaces(): void {
    SPACES.lastIndex = this.index;
    SPACES.test(this.expr);
    this.index = SPACES.lastIndex;
  }

  /** One expression, up to the end. jsep takes several in a row. */
  override gobbleExpressions(until?: number): JsepNode[] {
    const node = this.gobbleExpression();
    if (!node) return this.#refuseHere('there must be a value');
    const isAtEnd = until === undefined ? this.index === this.expr.length : this.code === until;
    if (!isAtEnd) this.#refuseHere('there must be an operator or the end of the expression');
    return [node];
  }

  override gobbleExpression(): JsepNode | false | undefined {
    if (this.#depth++ > DEEPEST_PARSING) this.refuse('TOO_DEEP', TOO_DEEP);
    const node = super.gobbleExpression();
    this.#depth--;
    return node;
  }

  override gobbleBinaryExpression(level = 0): JsepNode | false | undefined {
    if (this.#depth++ > DEEPEST_PARSING) this.refuse('TOO_DEEP', TOO_DEEP);
    let left = this.#gobbleNot(level) || this.gobbleToken();
    while (left) {
      this.gobbleSpaces();
      const at = this.index;
      const operator = this.gobbleBinaryOp();
      if (operator === false) break;
      const ownLevel = LEVELS[operator] ?? 0;
      if (ownLevel < level) {
        this.index = at;
        break;
      }
      this.#checkLeft(left, operator, at);
      const right = this.gobbleBinaryExpression(ownLevel === POWER_LEVEL ? ownLevel : ownLevel + 1);
      if (!right) return this.#refuseHere(`there must be a value after "${operator}"`);
      if (operator === '??') this.#checkRight(right, at);
      left = { type: 'BinaryExpression', at, operator, left, right };
    }
    this.#depth--;
    return left;
  }

  override gobbleBinaryOp(): string | false {
    if (/^\/[/*]/.test(this.expr.slice(this.index, this.index + 2))) {
      this.refuse('NOT_ALLOWED', NO_COMMENTS);
    }
    OPERATOR.lastIndex = this.index;
    const found = OPERATOR.exec(this.expr)?.[0];
    if (found === undefined) return false;
    this.index += found.length;
    const operator = found.replace(/\s+/, ' ');
    return SYNONYMS[operator] ?? operator;
  }

  override gobbleToken(): JsepNode | false | undefined {
    this.gobbleSpaces();
    const at = this.index;
    if (this.#depth++ > DEEPEST_PARSING) this.refuse('TOO_DEEP', TOO_DEEP);
    const node = super.gobbleToken();
    this.#depth--;
    if (node) node.at ??= at;
    return node;
  }

  override gobbleNumericLiteral(): JsepNode {
    if (this.expr.startsWith('...', this.index)) this.#refuseHere('there must be a value');
    if (/^0\d/.test(this.expr.slice(this.index, this.index + 2))) {
      this.refuse('SYNTAX', "A number can't begin with a 0 before another digit.");
    }
    return super.gobbleNumericLiteral();
  }

  override gobbleIdentifier(): JsepName & JsepNode {
    const at = this.index;
    if (!NAME_START.test(this.char)) this.#refuseHere('there must be a name after "."');
    return Object.assign(super.gobbleIdentifier(), { at });
  }

  /** What stands between brackets, with a comma between any two. jsep takes them without commas as well. */
  override gobbleArguments(end: number): JsepNode[] {
    const found: JsepNode[] = [];
    const bracket = String.fromCharCode(end);
    for (;;) {
      this.gobbleSpaces();
      if (this.code === end) {
        this.index++;
        return found;
      }
      const node = this.gobbleExpression();
      if (!node) return this.#refuseHere(`there must be a value or "${bracket}"`);
      found.push(node);
      if (this.char === ',') this.index++;
      else if (this.code !== end) this.#refuseHere(`there must be "," or "${bracket}"`);
    }
  }

  override gobbleGroup(): JsepNode {
    this.index++;
    const node = this.gobbleExpression();
    if (!node) return this.#refuseHere('there must be a value after "("');
    if (this.char !== ')') this.#refuseHere('there must be an operator or ")"');
    this.index++;
    node.isGrouped = true;
    return node;
  }

  /** `not` binds as in Python: `not a == b` is `not (a == b)`. */
  #gobbleNot(level: number): JsepNode | undefined {
    this.gobbleSpaces();
    NOT.lastIndex = this.index;
    if (!NOT.test(this.expr)) return undefined;
    const at = this.index;
    if (level > NOT_LEVEL) this.refuse('SYNTAX', 'Put "not" and what follows it in parentheses.');
    this.index += 3;
    const argument = this.gobbleBinaryExpression(NOT_LEVEL);
    if (!argument) return this.#refuseHere('there must be a value after "not"');
    return { type: 'UnaryExpression', at, operator: 'not', argument };
  }

  #checkLeft(left: JsepNode, operator: string, at: number): void {
    if (left.isGrouped) return;
    const isUnary = left.type === 'UnaryExpression';
    const before = left.type === 'BinaryExpression' ? left.operator : '';
    if (LEVELS[before] === COMPARISON_LEVEL && LEVELS[operator] === COMPARISON_LEVEL) {
      const advice = 'write 1 < x and x < 3, or put one of them in parentheses';
      this.refuse('NOT_ALLOWED', `Comparisons can't be chained: ${advice}.`, at);
    }
    if (operator === '**' && isUnary) {
      this.refuse(
        'SYNTAX',
        'Write (-a) ** b or -(a ** b), so that it is clear which is meant.',
        at,
      );
    }
    const isMixed = operator === '??' ? before === 'or' || before === 'and' : before === '??';
    if (isMixed && LEVELS[operator] !== undefined && (LEVELS[operator] ?? 0) <= 2) {
      this.refuse('SYNTAX', MIXED, at);
    }
  }

  #checkRight(right: JsepNode, at: number): void {
    const isMixed = right.type === 'BinaryExpression' && right.operator === 'and';
    if (isMixed && !right.isGrouped) this.refuse('SYNTAX', MIXED, at);
  }

  #refuseHere(expected: string): never {
    this.gobbleSpaces();
    const { reason, message, at } = explainUnexpected(this.expr, this.index, expected);
    return this.refuse(reason, message, at);
  }
}

const MIXED = 'Put "??" and what it stands between in parentheses.';
const TOO_DEEP = 'The expression is nested too deeply. Make it simpler.';

/**
 * Reads a part of a text as one expression. Places are those in the whole text.
 * @throws ExpressionError
 */
export function parseWithJsep(text: string, from: number, to: number): JsepNode {
  const target = Jsep as unknown as Record<string, unknown>; // its settings are its static fields
  const before = Object.fromEntries(Object.keys(settings).map((name) => [name, target[name]]));
  Object.assign(target, settings);
  try {
    const parser = new Parser(text, from, to);
    const [node] = parser.gobbleExpressions();
    return node as JsepNode; // it throws when there is none
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    throw new ExpressionError('TOO_DEEP', TOO_DEEP, { text, position: from });
  } finally {
    Object.assign(target, before);
  }
}
