import { add, calculate } from './arithmetic.ts';
import { containsAtOnce, searchFor } from './containing.ts';
import { compareContents, equalAtOnce } from './equality.ts';
import type { FunctionSpec } from './function-spec.ts';
import { FUNCTIONS } from './functions.ts';
import { readIndex, readMember } from './members.ts';
import { requireNumber } from './number-functions.ts';
import { compareOrder } from './ordering.ts';
import type { Run } from './run.ts';
import type { CallSyntax, MemberSyntax, Syntax } from './syntax.ts';
import { allocateText, checkTextLength, textAtOnce, writeText } from './text-of.ts';
import { BYTES, isTrue } from './values.ts';

/** A part of an expression, ready to be worked out. */
export type Code = (run: Run) => unknown;

/** What a link of a chain gives when an optional one before it found null or undefined. */
const SKIPPED = Symbol('skipped');

/** Makes closures of a tree: what can be decided once is not decided each time it is worked out. */
export function compile(syntax: Syntax): Code {
  return new Compiler().compile(syntax);
}

class Compiler {
  /** Places of the expression that may do long work, so far. */
  #places = 0;

  compile(syntax: Syntax): Code {
    switch (syntax.kind) {
      case 'value': {
        const { value } = syntax;
        return () => value;
      }
      case 'name': {
        const name = intern(syntax.name);
        return (run) => run.readName(name);
      }
      case 'member':
        return this.#member(syntax);
      case 'chain': {
        const chain = this.compile(syntax.of);
        return (run) => {
          const value = chain(run);
          return value === SKIPPED ? undefined : value;
        };
      }
      case 'call':
        return this.#call(syntax);
      case 'unary':
        return this.#unary(syntax);
      case 'binary':
        return this.#binary(syntax);
      case 'logical':
        return this.#logical(syntax);
      case 'conditional': {
        const { at } = syntax;
        const test = this.compile(syntax.test);
        const then = this.compile(syntax.then);
        const otherwise = this.compile(syntax.otherwise);
        return (run) => (isTrue(run, at, test(run)) ? then(run) : otherwise(run));
      }
      case 'list':
        return this.#list(syntax);
      case 'object':
        return this.#object(syntax);
      case 'template':
        return this.#template(syntax);
    }
  }

  #member({ at, object: objectSyntax, key, isOptional }: MemberSyntax): Code {
    const object = this.compile(objectSyntax);
    if (key.kind === 'value' && typeof key.value === 'string') {
      const name = intern(key.value);
      if (objectSyntax.kind !== 'member' && !isOptional) {
        return (run) => readMember(run, at, object(run), name);
      }
      return (run) => {
        const value = object(run);
        if (isSkipped(value, isOptional)) return SKIPPED;
        return readMember(run, at, value, name);
      };
    }
    const index = this.compile(key);
    return (run) => {
      const value = object(run);
      if (isSkipped(value, isOptional)) return SKIPPED;
      return readIndex(run, at, value, index(run));
    };
  }

  #call({ at, name, arguments: given }: CallSyntax): Code {
    const spec = FUNCTIONS.get(name);
    if (spec === undefined) throw new Error(`The call of ${name} was not checked.`);
    const values = given.map((value) => this.compile(value));
    if (spec.takes === 'long') return this.#longCall(spec, at, values);
    const { call } = spec;
    const [first, second] = values;
    if (first === undefined) return (run) => call(run, at);
    if (second === undefined) return (run) => call(run, at, first(run));
    return (run) => call(run, at, ...values.map((value) => value(run)));
  }

  #longCall(
    { call }: FunctionSpec & { readonly takes: 'long' },
    at: number,
    values: readonly Code[],
  ): Code {
    const place = this.#places++;
    return (run) => {
      const worked = values.map((value) => value(run));
      return run.finish(place, () => call(run, at, ...worked));
    };
  }

  #unary({ at, operator, operand: syntax }: Syntax & { readonly kind: 'unary' }): Code {
    const operand = this.compile(syntax);
    switch (operator) {
      case 'not':
        return (run) => !isTrue(run, at, operand(run));
      case '-':
        return (run) => -requireNumber(run, at, operand(run), '"-"');
      case '+':
        return (run) => requireNumber(run, at, operand(run), '"+"');
    }
  }

  #logical({ at, operator, left, right }: Syntax & { readonly kind: 'logical' }): Code {
    const one = this.compile(left);
    const other = this.compile(right);
    switch (operator) {
      case 'and':
        return (run) => {
          const value = one(run);
          return isTrue(run, at, value) ? other(run) : value;
        };
      case 'or':
        return (run) => {
          const value = one(run);
          return isTrue(run, at, value) ? value : other(run);
        };
      case '??':
        return (run) => one(run) ?? other(run);
    }
  }

  #binary({ at, operator, left, right }: Syntax & { readonly kind: 'binary' }): Code {
    const one = this.compile(left);
    const other = this.compile(right);
    switch (operator) {
      case '==':
        return this.#equal(at, one, other);
      case '!=':
        return negate(this.#equal(at, one, other));
      case '===':
      case '!==':
      case 'is':
      case 'is not': {
        const same = this.#same(at, operator.startsWith('is'), one, other);
        return operator === '===' || operator === 'is' ? same : negate(same);
      }
      case 'in':
        return this.#contains(at, one, other);
      case 'not in':
        return negate(this.#contains(at, one, other));
      case '+':
        return (run) => add(run, at, one(run), other(run));
      // Two numbers are what is compared mostly: they need nothing else.
      case '<':
        return (run) => {
          const a = one(run);
          const b = other(run);
          if (typeof a === 'number' && typeof b === 'number') return a < b;
          return compareOrder(run, at, a, b) < 0;
        };
      case '<=':
        return (run) => {
          const a = one(run);
          const b = other(run);
          if (typeof a === 'number' && typeof b === 'number') return a <= b;
          return compareOrder(run, at, a, b) <= 0;
        };
      case '>':
        return (run) => {
          const a = one(run);
          const b = other(run);
          if (typeof a === 'number' && typeof b === 'number') return a > b;
          return compareOrder(run, at, a, b) > 0;
        };
      case '>=':
        return (run) => {
          const a = one(run);
          const b = other(run);
          if (typeof a === 'number' && typeof b === 'number') return a >= b;
          return compareOrder(run, at, a, b) >= 0;
        };
      default:
        return calculate(at, operator, one, other);
    }
  }

  #equal(at: number, one: Code, other: Code): (run: Run) => boolean {
    const place = this.#places++;
    return (run) => {
      const left = one(run);
      const right = other(run);
      return (
        equalAtOnce(left, right) ?? run.finish(place, () => compareContents(run, at, left, right))
      );
    };
  }

  /** `===`; with `is` null is undefined as well. What may be long is compared as by `==`. */
  #same(at: number, isWord: boolean, one: Code, other: Code): (run: Run) => boolean {
    const place = this.#places++;
    return (run) => {
      const left = one(run);
      const right = other(run);
      const isLong = typeof left === 'string' || typeof left === 'bigint';
      if (!isLong || typeof left !== typeof right) {
        return left === right || (isWord && (left ?? null) === null && (right ?? null) === null);
      }
      return (
        equalAtOnce(left, right) ?? run.finish(place, () => compareContents(run, at, left, right))
      );
    };
  }

  #contains(at: number, one: Code, other: Code): (run: Run) => boolean {
    const place = this.#places++;
    return (run) => {
      const sought = one(run);
      const container = other(run);
      return (
        containsAtOnce(run, at, sought, container) ??
        run.finish(place, () => searchFor(run, at, sought, container))
      );
    };
  }

  #list({ at, items }: Syntax & { readonly kind: 'list' }): Code {
    const codes = items.map((item) => this.compile(item));
    // A list of literals is the same each time, and nothing can change it.
    if (items.every(({ kind }) => kind === 'value')) {
      const values = Object.freeze(
        items.map((item) => (item.kind === 'value' ? item.value : undefined)),
      );
      return () => values;
    }
    const bytes = BYTES.list + codes.length * BYTES.element;
    return (run) => {
      run.allocate(bytes, at);
      return codes.map((code) => code(run));
    };
  }

  #object({ at, entries }: Syntax & { readonly kind: 'object' }): Code {
    const codes = entries.map(({ key, value }) => ({ key, code: this.compile(value) }));
    const bytes = BYTES.object + codes.length * BYTES.entry;
    return (run) => {
      run.allocate(bytes, at);
      // Without a prototype, so that `__proto__` is a key as any other.
      const object: Record<string, unknown> = Object.create(null);
      for (const { key, code } of codes) object[key] = code(run);
      return object;
    };
  }

  #template({ at, parts }: Syntax & { readonly kind: 'template' }): Code {
    const codes = parts.map((part) => ({ code: this.compile(part), place: this.#places++ }));
    return (run) => {
      let text = '';
      for (const { code, place } of codes) {
        const value = code(run);
        const part =
          textAtOnce(run, at, value) ?? run.finish(place, () => writeText(run, at, value));
        checkTextLength(run, at, text.length + part.length);
        allocateText(run, at, part.length);
        text += part;
      }
      return text;
    };
  }
}

function isSkipped(value: unknown, isOptional: boolean): boolean {
  return value === SKIPPED || (isOptional && (value === null || value === undefined));
}

function negate(code: (run: Run) => boolean): Code {
  return (run) => !code(run);
}

/** The same text as it is known as a key: to look it up takes less time than a text that was cut out of another. */
function intern(text: string): string {
  return Object.keys({ [text]: true })[0] ?? text;
}
