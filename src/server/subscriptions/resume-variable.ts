import { type DocumentNode, type FieldNode, Kind, visit } from 'graphql';

/** The argument of event streams that says where to begin. */
const RESUME_ARGUMENT = 'after';

/**
 * The variable that does nothing in a subscription but to say where its stream begins; `undefined` if there is none.
 * Subscriptions that differ in it alone come to give the same.
 */
export function findResumeVariable(document: DocumentNode): string | undefined {
  const uses = new Map<string, number>();
  const resuming = new Set<string>();
  let depth = 0;
  let isInFragment = false;
  visit(document, {
    VariableDefinition: () => false,
    FragmentDefinition: {
      enter: () => {
        isInFragment = true;
      },
      leave: () => {
        isInFragment = false;
      },
    },
    SelectionSet: {
      enter: () => void depth++,
      leave: () => void depth--,
    },
    Variable: ({ name }) => void uses.set(name.value, (uses.get(name.value) ?? 0) + 1),
    Field: (field) => {
      const isRoot = depth === 1 && !isInFragment; // in a fragment it most likely begins a page of something
      const variable = isRoot ? resumeVariableOf(field) : undefined;
      if (variable !== undefined) resuming.add(variable);
    },
  });
  for (const name of resuming) if (uses.get(name) === 1) return name;
  return undefined;
}

function resumeVariableOf(field: FieldNode): string | undefined {
  const argument = field.arguments?.find(({ name }) => name.value === RESUME_ARGUMENT);
  return argument?.value.kind === Kind.VARIABLE ? argument.value.name.value : undefined;
}
