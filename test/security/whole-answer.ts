import {
  type DocumentNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  type OperationTypeNode,
  parse,
} from 'graphql';

/**
 * What is asked of fields inside an answer that can't do without arguments: as they stand in an operation. A field that
 * is missing here fails the test that comes to it.
 */
const INNER_ARGUMENTS: Readonly<Record<string, string>> = {
  'DebugFrame.variable': 'scope: STATE',
  'DebugSession.item': 'itemId: "none"',
  'DebugSession.queuedItems': 'routineId: "work", slot: "line"',
  'DebugSession.variable': 'scope: DATA',
  'Flow.metricsSeries': 'bucket: HOUR',
  'Job.lineage': 'activationId: 2, direction: ANCESTORS',
  'Job.routine': 'id: "work"',
  'Service.healthSeries': 'bucket: HOUR',
};

/** An operation that asks one root field, with its arguments as variables, for all there is down to a depth. */
export function wholeAnswerOf(
  schema: GraphQLSchema,
  kind: OperationTypeNode,
  name: string,
  args: object,
  depth: number,
): DocumentNode {
  const field = schema.getRootType(kind)?.getFields()[name];
  if (field === undefined) throw new Error(`The schema has no ${kind} ${name}.`);
  const given = field.args.filter((arg) => arg.name in args);
  const variables = given.map((arg) => `$${arg.name}: ${arg.type}`).join(', ');
  const values = given.map((arg) => `${arg.name}: $${arg.name}`).join(', ');
  const selection = selectionOf(schema, getNamedType(field.type), depth, []);
  return parse(
    `${kind} Whole ${variables && `(${variables})`} { ${name} ${values && `(${values})`} ${selection} }`,
    { noLocation: true },
  );
}

/** All fields of a type, each under an alias that is of this type alone; a type is not entered again inside itself. */
function selectionOf(
  schema: GraphQLSchema,
  type: GraphQLNamedType,
  depth: number,
  inside: readonly GraphQLNamedType[],
): string {
  if (isLeafType(type)) return '';
  if (isAbstractType(type)) {
    const members = schema
      .getPossibleTypes(type)
      .map((member) => `... on ${member.name} ${selectionOf(schema, member, depth, inside)}`);
    return `{ __typename ${members.join(' ')} }`;
  }
  if (!isObjectType(type)) return '';
  const fields = Object.values(type.getFields()).flatMap((field) => {
    const answered = getNamedType(field.type);
    const isPage = /Connection$|Edge$|PageInfo$/.test(answered.name); // a list and its elements are one step
    const isEnough = (depth <= 0 && !isPage) || inside.includes(answered);
    if (!isLeafType(answered) && isEnough) return [];
    const next = isPage ? depth : depth - 1;
    return `${type.name}_${field.name}: ${field.name}${argumentsOf(type, field)} ${selectionOf(schema, answered, next, [...inside, type])}`;
  });
  return `{ __typename ${fields.join(' ')} }`;
}

function argumentsOf(type: GraphQLNamedType, field: GraphQLField<unknown, unknown>): string {
  if (!field.args.some(isRequiredArgument)) {
    return field.args.some(({ name }) => name === 'first') ? '(first: 20)' : '';
  }
  const at = `${type.name}.${field.name}`;
  const written = INNER_ARGUMENTS[at];
  if (written !== undefined) return `(${written})`;
  throw new Error(
    `${at} can't be asked without arguments. Write some for it into INNER_ARGUMENTS of test/security/whole-answer.ts.`,
  );
}
