import { ExpressionError, type ExpressionFailure } from './expression-error.ts';
import type { JsepCall, JsepMember, JsepNode } from './jsep-node.ts';
import { parseWithJsep } from './jsep-parser.ts';
import { findBadEscape, readText } from './read-text.ts';
import {
  type BinaryOperator,
  DEEPEST_EXPRESSION,
  LONGEST_EXPRESSION,
  type LogicalOperator,
  type MemberSyntax,
  type Syntax,
} from './syntax.ts';
import { FOREIGN_WORDS, OPERATOR_WORDS, WORD_LITERALS } from './words.ts';

/**
 * Reads an expression: the whole text, or what stands in it from one place up to another.
 * @throws ExpressionError
 */
export function parseExpression(text: string, from = 0, to = text.length): Syntax {
  if (to - from > LONGEST_EXPRESSION) {
    const message = `The expression is longer than ${LONGEST_EXPRESSION} characters.`;
    throw new ExpressionError('TOO_LONG', message, { text, position: from });
  }
  return new TreeReader(text).read(parseWithJsep(text, from, to), 1, from);
}

/** Makes our tree of jsep's, and refuses what jsep can read and the language has not. */
class TreeReader {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** `start` is where the node begins at the earliest; inner nodes of a chain do not say it. */
  read(node: JsepNode, level: number, start: number): Syntax {
    const at = node.at ?? start;
    this.#checkLevel(level, at);
    const inner = (part: JsepNode) => this.read(part, level + 1, at);
    switch (node.type) {
      case 'Literal':
        if (typeof node.value === 'string') this.#checkEscapes(node.raw.slice(1, -1), at + 1);
        return { kind: 'value', at, value: readLiteral(node.value, node.raw) };
      case 'Identifier':
        return this.#readName(node.name, at);
      case 'MemberExpression': {
        const member = this.#readMember(node, level, at);
        return hasOptional(member) ? { kind: 'chain', at: member.at, of: member } : member;
      }
      case 'CallExpression':
        return this.#readCall(node, level, at);
      case 'UnaryExpression':
        return readUnary(node.operator, at, inner(node.argument));
      case 'BinaryExpression':
        return readBinary(node.operator, at, inner(node.left), inner(node.right));
      case 'ConditionalExpression': {
        const [test, then] = [inner(node.test), inner(node.consequent)];
        return { kind: 'conditional', at: test.at, test, then, otherwise: inner(node.alternate) };
      }
      case 'ArrayExpression':
        return { kind: 'list', at, items: node.elements.map(inner) };
      case 'ObjectExpression':
        return this.#readObject(node.properties, level, at);
      case 'TemplateLiteral': {
        const parts = node.quasis.flatMap(({ value }, index): Syntax[] => {
          this.#checkEscapes(value.raw, Math.max(at, this.#text.indexOf(value.raw, at)));
          const text: Syntax = { kind: 'value', at, value: readText(value.raw) };
          const inserted = node.expressions[index];
          return inserted === undefined ? [text] : [text, inner(inserted)];
        });
        return { kind: 'template', at, parts };
      }
      case 'TaggedTemplateExpression':
        return this.#refuse('NOT_ALLOWED', at, "A template text can't have a tag before it.");
      case 'Property':
        return this.#refuse('SYNTAX', at, 'A part of an object stands outside of one.');
    }
  }

  #checkEscapes(written: string, from: number): void {
    const at = findBadEscape(written);
    if (at === undefined) return;
    this.#refuse(
      'SYNTAX',
      from + at,
      'This escape stands for no character. Write "\\\\" for "\\".',
    );
  }

  #checkLevel(level: number, at: number): void {
    if (level <= DEEPEST_EXPRESSION) return;
    const message = `The expression is nested deeper than ${DEEPEST_EXPRESSION} levels. Make it simpler.`;
    this.#refuse('TOO_DEEP', at, message);
  }

  #refuse(reason: ExpressionFailure, position: number, message: string): never {
    throw new ExpressionError(reason, message, { text: this.#text, position });
  }

  #readName(name: string, at: number): Syntax {
    if (WORD_LITERALS.has(name)) return { kind: 'value', at, value: WORD_LITERALS.get(name) };
    if (OPERATOR_WORDS.has(name)) {
      return this.#refuse('SYNTAX', at, `"${name}" must stand between two values.`);
    }
    if (FOREIGN_WORDS.has(name)) {
      return this.#refuse('NOT_ALLOWED', at, `There is no "${name}" in expressions.`);
    }
    return { kind: 'name', at, name };
  }

  /** The links of a chain are each a level, and the chain as a whole ends where it began. */
  #readMember(node: JsepMember, level: number, start: number): MemberSyntax {
    const { object: before, property, computed, optional = false } = node;
    const at = property.at ?? start;
    this.#checkLevel(level, at);
    const isLink = before.type === 'MemberExpression' && before.isGrouped !== true;
    const object = isLink
      ? this.#readMember(before, level + 1, start)
      : this.read(before, level + 1, start);
    const key: Syntax =
      property.type === 'Identifier' && !computed
        ? { kind: 'value', at, value: property.name }
        : this.read(property, level + 1, at);
    return { kind: 'member', at, object, key, isOptional: optional };
  }

  #readCall(
    { callee, arguments: items, optional }: JsepCall,
    level: number,
    start: number,
  ): Syntax {
    if (callee.type === 'MemberExpression') {
      const { property, computed } = callee;
      const method = property.type === 'Identifier' && !computed ? property.name : 'f';
      const values = items.length === 0 ? 'value' : 'value, …';
      const message = `Methods can't be called, only the functions of the language: write ${method}(${values}).`;
      return this.#refuse('NOT_ALLOWED', property.at ?? start, message);
    }
    const at = callee.at ?? start;
    if (callee.type !== 'Identifier') {
      return this.#refuse('NOT_ALLOWED', at, 'Only the functions of the language can be called.');
    }
    this.#readName(callee.name, at);
    if (optional === true) {
      return this.#refuse('NOT_ALLOWED', at, 'A function needs no "?." before its "(".');
    }
    const values = items.map((item) => this.read(item, level + 1, at));
    return { kind: 'call', at, name: callee.name, arguments: values };
  }

  #readObject(properties: readonly JsepNode[], level: number, at: number): Syntax {
    const entries = properties.map((property) => {
      const key = property.type === 'Property' ? property.key : undefined;
      const place = key?.at ?? property.at ?? at;
      if (property.type !== 'Property' || key === undefined || property.computed) {
        return this.#refuse('SYNTAX', place, 'A part of an object is written as key: value.');
      }
      if (!/[{,]/.test(this.#lastBefore(place))) {
        return this.#refuse('SYNTAX', place, 'There must be "," between two parts of an object.');
      }
      if (key.type === 'Literal' && typeof key.value === 'string') {
        this.#checkEscapes(key.raw.slice(1, -1), place + 1);
      }
      const name = readKey(key);
      if (name === undefined) {
        return this.#refuse('SYNTAX', place, 'The key of an object must be a name or a text.');
      }
      return { key: name, value: this.read(property.value, level + 1, place) };
    });
    return { kind: 'object', at, entries };
  }

  /** The character before a place that is no space. */
  #lastBefore(place: number): string {
    let at = place - 1;
    while (at > 0 && /\s/.test(this.#text.charAt(at))) at--;
    return this.#text.charAt(at);
  }
}

function hasOptional(syntax: Syntax): boolean {
  let link = syntax;
  while (link.kind === 'member') {
    if (link.isOptional) return true;
    link = link.object;
  }
  return false;
}

function readLiteral(value: string | number, raw: string): string | number {
  return typeof value === 'string' ? readText(raw.slice(1, -1)) : value;
}

/** The key of an object as text; `undefined` when it is neither a name nor a literal. */
function readKey(key: JsepNode): string | undefined {
  if (key.isGrouped) return undefined;
  if (key.type === 'Identifier') return key.name;
  return key.type === 'Literal' ? String(readLiteral(key.value, key.raw)) : undefined;
}

function readUnary(operator: string, at: number, operand: Syntax): Syntax {
  const isSign = operator === '-' || operator === '+';
  return { kind: 'unary', at, operator: isSign ? operator : 'not', operand };
}

function readBinary(operator: string, at: number, left: Syntax, right: Syntax): Syntax {
  if (operator === 'and' || operator === 'or' || operator === '??') {
    return { kind: 'logical', at, operator: operator satisfies LogicalOperator, left, right };
  }
  // The parser makes no others than those of its table.
  return { kind: 'binary', at, operator: operator as BinaryOperator, left, right };
}
