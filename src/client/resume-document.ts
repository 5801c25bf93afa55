import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import { EVENT_STREAMS } from '../generated/event-streams.ts';

/** A subscription to events, so that it can be taken up again where it was left. */
export interface ResumableDocument {
  readonly document: DocumentNode;
  /** The key of the event in the data. */
  readonly field: string;
  /** The variable that takes the cursor to go on after. */
  readonly variable: string;
  /** The cursor that the document itself says to begin after, where that variable is not given. */
  readonly after: string | undefined;
  /** Asks for the cursor to begin after; it comes as `cursor`. */
  readonly cursorQuery: string;
}

/** Names of what is added to an event's selection; nobody else would choose them. */
export const CURSOR_KEY = 'millraceResumeCursor';
export const TYPE_KEY = 'millraceResumeType';

const AFTER = 'after';
const OWN_VARIABLE = 'millraceResumeAfter';

/** The type of the message that a reader who is too slow gets last. */
export const FELL_BEHIND = 'FellBehindEvent';

/**
 * The document with each event's cursor and type selected besides, and with its argument `after` as a variable;
 * `undefined` when it is no subscription to events.
 */
export function makeResumable(document: DocumentNode): ResumableDocument | undefined {
  const operation = onlyOperation(document);
  if (operation.operation !== OperationTypeNode.SUBSCRIPTION) return undefined;
  const root = findField(operation.selectionSet, fragmentsOf(document));
  const { selectionSet } = root ?? {};
  if (root === undefined || selectionSet === undefined) return undefined;
  const given = root.arguments?.find(({ name }) => name.value === AFTER)?.value;
  const variable = given?.kind === Kind.VARIABLE ? given.name.value : OWN_VARIABLE;
  const declared = operation.variableDefinitions?.find(
    (each) => each.variable.name.value === variable,
  );
  const written = given?.kind === Kind.VARIABLE ? declared?.defaultValue : given;

  const changed: FieldNode = {
    ...root,
    arguments: [
      ...(root.arguments ?? []).filter(({ name }) => name.value !== AFTER),
      { kind: Kind.ARGUMENT, name: nameOf(AFTER), value: variableOf(variable) },
    ],
    selectionSet: {
      ...selectionSet,
      selections: [
        ...selectionSet.selections,
        { kind: Kind.FIELD, alias: nameOf(CURSOR_KEY), name: nameOf('cursor') },
        { kind: Kind.FIELD, alias: nameOf(TYPE_KEY), name: nameOf('__typename') },
      ],
    },
  };
  return {
    field: root.alias?.value ?? root.name.value,
    variable,
    after: written?.kind === Kind.STRING ? written.value : undefined,
    cursorQuery: `{ cursor: ${root.name.value}Cursor }`,
    document: visit(document, {
      Field: (node) => (node === root ? changed : undefined),
      OperationDefinition: (node) => (variable === OWN_VARIABLE ? declare(node) : undefined),
    }),
  };

  /** Declares our own variable. */
  function declare(node: OperationDefinitionNode): OperationDefinitionNode {
    return {
      ...node,
      variableDefinitions: [
        ...(node.variableDefinitions ?? []),
        {
          kind: Kind.VARIABLE_DEFINITION,
          variable: variableOf(OWN_VARIABLE),
          type: { kind: Kind.NAMED_TYPE, name: nameOf('String') },
        },
      ],
    };
  }
}

/** @throws TypeError when there is not exactly one operation in the document */
export function onlyOperation(document: DocumentNode): OperationDefinitionNode {
  const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  const [operation] = operations as OperationDefinitionNode[]; // as their kind says
  if (operation === undefined || operations.length > 1) {
    throw new TypeError(`A document has to have one operation; this one has ${operations.length}.`);
  }
  return operation;
}

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

function fragmentsOf({ definitions }: DocumentNode): Fragments {
  const fragments = definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
  // as their kind says
  return new Map((fragments as FragmentDefinitionNode[]).map((each) => [each.name.value, each]));
}

/** The field that is a stream of events: a subscription has one field, which may stand in fragments. */
function findField(
  { selections }: SelectionSetNode,
  fragments: Fragments,
  depth = 0,
): FieldNode | undefined {
  if (depth > 10) return undefined; // fragments that hold themselves; the server refuses them
  for (const selection of selections) {
    if (selection.kind === Kind.FIELD) {
      if (EVENT_STREAMS.has(selection.name.value)) return selection;
      continue;
    }
    const held =
      selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
    const found = held && findField(held.selectionSet, fragments, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function nameOf(value: string) {
  return { kind: Kind.NAME, value } as const;
}

function variableOf(name: string) {
  return { kind: Kind.VARIABLE, name: nameOf(name) } as const;
}
