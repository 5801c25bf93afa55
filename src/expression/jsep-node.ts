/** A node as jsep and its plugins make it. */
export type JsepNode = JsepShape & {
  /** Where in the text it begins; of an operator where that is written. Not of all links of a chain of members. */
  at?: number;
  /** Whether it is in parentheses. */
  isGrouped?: boolean;
};

type JsepShape =
  | { readonly type: 'Literal'; readonly value: string | number; readonly raw: string }
  | JsepName
  | JsepMember
  | JsepCall
  | { readonly type: 'UnaryExpression'; readonly operator: string; readonly argument: JsepNode }
  | {
      readonly type: 'BinaryExpression';
      readonly operator: string;
      readonly left: JsepNode;
      readonly right: JsepNode;
    }
  | {
      readonly type: 'ConditionalExpression';
      readonly test: JsepNode;
      readonly consequent: JsepNode;
      readonly alternate: JsepNode;
    }
  | { readonly type: 'ArrayExpression'; readonly elements: readonly JsepNode[] }
  | { readonly type: 'ObjectExpression'; readonly properties: readonly JsepNode[] }
  | {
      readonly type: 'Property';
      readonly key: JsepNode | undefined;
      readonly value: JsepNode;
      readonly computed: boolean;
    }
  | {
      readonly type: 'TemplateLiteral';
      readonly quasis: readonly { readonly value: { readonly raw: string } }[];
      readonly expressions: readonly JsepNode[];
    }
  | { readonly type: 'TaggedTemplateExpression' };

export interface JsepName {
  readonly type: 'Identifier';
  readonly name: string;
}

export interface JsepMember {
  readonly type: 'MemberExpression';
  readonly object: JsepNode;
  readonly property: JsepNode;
  readonly computed: boolean;
  readonly optional?: boolean;
}

export interface JsepCall {
  readonly type: 'CallExpression';
  readonly callee: JsepNode;
  readonly arguments: readonly JsepNode[];
  readonly optional?: boolean;
}
