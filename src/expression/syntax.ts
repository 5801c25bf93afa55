/** The longest text of an expression, in UTF-16 characters. */
export const LONGEST_EXPRESSION = 10_000;

/** How deeply the parts of an expression can be nested. A chain of operators counts as well: `a + b + c` has 3 levels. */
export const DEEPEST_EXPRESSION = 100;

export type UnaryOperator = 'not' | '-' | '+';
export type LogicalOperator = 'and' | 'or' | '??';
export type Comparison = '<' | '<=' | '>' | '>=';
export type Arithmetic = '-' | '*' | '/' | '%' | '**';
export type BinaryOperator =
  | Comparison
  | Arithmetic
  | '=='
  | '!='
  | '==='
  | '!=='
  | 'is'
  | 'is not'
  | 'in'
  | 'not in'
  | '+';

/**
 * An expression as a tree. `at` is the place that an error of this part is told at: of an operator where it is
 * written, of a member where its key is.
 */
export type Syntax =
  | { readonly kind: 'value'; readonly at: number; readonly value: Literal }
  | { readonly kind: 'name'; readonly at: number; readonly name: string }
  | MemberSyntax
  /** Ends what an optional member skips: a chain such as `a?.b.c`. */
  | { readonly kind: 'chain'; readonly at: number; readonly of: Syntax }
  | CallSyntax
  | {
      readonly kind: 'unary';
      readonly at: number;
      readonly operator: UnaryOperator;
      readonly operand: Syntax;
    }
  | {
      readonly kind: 'binary';
      readonly at: number;
      readonly operator: BinaryOperator;
      readonly left: Syntax;
      readonly right: Syntax;
    }
  | {
      readonly kind: 'logical';
      readonly at: number;
      readonly operator: LogicalOperator;
      readonly left: Syntax;
      readonly right: Syntax;
    }
  | {
      readonly kind: 'conditional';
      readonly at: number;
      readonly test: Syntax;
      readonly then: Syntax;
      readonly otherwise: Syntax;
    }
  | { readonly kind: 'list'; readonly at: number; readonly items: readonly Syntax[] }
  | {
      readonly kind: 'object';
      readonly at: number;
      readonly entries: readonly { readonly key: string; readonly value: Syntax }[];
    }
  | { readonly kind: 'template'; readonly at: number; readonly parts: readonly Syntax[] };

export type Literal = string | number | boolean | null | undefined;

export interface MemberSyntax {
  readonly kind: 'member';
  readonly at: number;
  readonly object: Syntax;
  /** A text literal when written `a.b`. */
  readonly key: Syntax;
  /** `?.`: of null and undefined the rest of the chain is skipped. */
  readonly isOptional: boolean;
}

export interface CallSyntax {
  readonly kind: 'call';
  readonly at: number;
  readonly name: string;
  readonly arguments: readonly Syntax[];
}

/** The parts of a part, in the order in which they are written. */
export function partsOf(syntax: Syntax): readonly Syntax[] {
  switch (syntax.kind) {
    case 'value':
    case 'name':
      return [];
    case 'member':
      return [syntax.object, syntax.key];
    case 'chain':
      return [syntax.of];
    case 'call':
      return syntax.arguments;
    case 'unary':
      return [syntax.operand];
    case 'binary':
    case 'logical':
      return [syntax.left, syntax.right];
    case 'conditional':
      return [syntax.test, syntax.then, syntax.otherwise];
    case 'list':
      return syntax.items;
    case 'object':
      return syntax.entries.map(({ value }) => value);
    case 'template':
      return syntax.parts;
  }
}
