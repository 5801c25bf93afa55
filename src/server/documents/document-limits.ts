import {
  type DirectiveNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  Lexer,
  type OperationDefinitionNode,
  type SelectionSetNode,
  Source,
  TokenKind,
} from 'graphql';
import type { ServerLimits } from '../limits.ts';

/** What a document may be. */
export type DocumentLimits = Pick<
  ServerLimits,
  | 'maxDocumentLength'
  | 'maxDocumentFields'
  | 'maxDocumentDepth'
  | 'maxAliases'
  | 'maxDirectives'
  | 'maxDirectivesPerNode'
>;

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

/**
 * So many fields of an operation may be asked for again, in the same place of the answer: as fragments do that know nothing of
 * each other.
 */
const MOST_REPEATS = 150;

/** How much there is below a selection, fragments counted wherever they are used. */
interface Size {
  fields: number;
  aliases: number;
  depth: number;
}

/** @throws GraphQLError with code `DOCUMENT_TOO_LARGE` and status 400 when a document, not parsed yet, is too long */
export function checkLength({ length }: string, { maxDocumentLength }: DocumentLimits): void {
  if (length <= maxDocumentLength) return;
  const counts = `${length} characters of at most ${maxDocumentLength}`;
  throw refusal('DOCUMENT_TOO_LARGE', `The document is too long: ${counts}.`);
}

/** Brackets of any kind that may stand inside one another, unless fields may be nested more than half as deeply. */
const MOST_BRACKETS = 200;

/**
 * Checks how deeply brackets are nested in a document, not parsed yet: the parser calls itself for each.
 * @throws GraphQLError with code `TOO_COSTLY` and status 400 when it is deeper than anything that can be meant
 */
export function checkNesting(text: string, { maxDocumentDepth }: DocumentLimits): void {
  const most = Math.max(MOST_BRACKETS, 2 * maxDocumentDepth);
  let opened = 0;
  for (const character of text) if (isOpening(character)) opened++;
  if (opened > most && isNestedDeeper(text, most)) {
    throw refusal('TOO_COSTLY', `The document is nested too deeply: more than ${most} brackets.`);
  }
}

function isOpening(token: string): boolean {
  return token === '{' || token === '[' || token === '(';
}

function isNestedDeeper(text: string, most: number): boolean {
  const lexer = new Lexer(new Source(text));
  try {
    let depth = 0;
    for (let { kind } = lexer.advance(); kind !== TokenKind.EOF; { kind } = lexer.advance()) {
      if (isOpening(kind)) depth++;
      else if (kind === '}' || kind === ']' || kind === ')') depth--;
      if (depth > most) return true;
    }
  } catch {
    // The parser comes no further either, and tells why.
  }
  return false;
}

/**
 * Checks what a document that was parsed is made of. What that costs grows with its length alone, whatever its fragments make of
 * it: each is measured once.
 * @returns how many fields it has
 * @throws GraphQLError with a code and status 400 when it is beyond one of the limits
 */
export function checkDocument(document: DocumentNode, limits: DocumentLimits): number {
  checkDirectives(document, limits);
  return checkSelections(document, limits);
}

/** An error for what is no fault of the server, with status 400 also where errors are answered with 200 mostly. */
export function refusal(code: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status: 400, spec: false } } });
}

/** An error for who asks for nothing. */
export function noDocument(): GraphQLError {
  return refusal('BAD_REQUEST', 'Send a document, as query.');
}

function checkDirectives(document: DocumentNode, limits: DocumentLimits): void {
  const { maxDirectives, maxDirectivesPerNode } = limits;
  let count = 0;
  const take = ({ directives = [] }: { readonly directives?: readonly DirectiveNode[] }) => {
    count += directives.length;
    const [first] = directives;
    if (directives.length > maxDirectivesPerNode) {
      const where = `@${first?.name.value} and others stand in one place`;
      const counts = `${directives.length} of at most ${maxDirectivesPerNode}`;
      throw refusal('TOO_MANY_DIRECTIVES', `Too many directives: ${where}, ${counts}.`);
    }
  };
  const walk = ({ selections }: SelectionSetNode) => {
    for (const selection of selections) {
      take(selection);
      if ('selectionSet' in selection && selection.selectionSet !== undefined) {
        walk(selection.selectionSet);
      }
    }
  };
  for (const definition of document.definitions) {
    take(definition);
    if ('variableDefinitions' in definition) definition.variableDefinitions?.forEach(take);
    if ('selectionSet' in definition) walk(definition.selectionSet);
  }
  if (count > maxDirectives) {
    const message = `Too many directives: ${count} of at most ${maxDirectives}.`;
    throw refusal('TOO_MANY_DIRECTIVES', message);
  }
}

function fragmentsOf({ definitions }: DocumentNode): Fragments {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      fragments.set(definition.name.value, definition);
    }
  }
  return fragments;
}

/**
 * Refuses an operation that asks for the same things too often: validation compares each time with each other. To be called for
 * one that is known not to be too large, fragments included.
 */
function checkRepeats(operation: OperationDefinitionNode, fragments: Fragments): void {
  const paths = new Set<string>();
  let repeats = 0;
  const walk = ({ selections }: SelectionSetNode, path: string, inside: readonly string[]) => {
    for (const selection of selections) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const name = selection.name.value;
        const fragment = fragments.get(name);
        // One that holds itself is refused by validation.
        if (fragment !== undefined && !inside.includes(name)) {
          walk(fragment.selectionSet, path, [...inside, name]);
        }
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        walk(selection.selectionSet, path, inside);
      } else {
        const below = `${path}.${(selection.alias ?? selection.name).value}`;
        if (paths.has(below)) repeats++;
        else paths.add(below);
        if (selection.selectionSet !== undefined) walk(selection.selectionSet, below, inside);
      }
    }
  };
  walk(operation.selectionSet, '', []);
  if (repeats <= MOST_REPEATS) return;
  const counts = `${repeats} fields of at most ${MOST_REPEATS}`;
  throw refusal('TOO_COSTLY', `The operation asks again for what it asks for already: ${counts}.`);
}

function checkSelections(document: DocumentNode, limits: DocumentLimits): number {
  const fragments = fragmentsOf(document);
  const measured = new Map<string, Size>();

  const measureFragment = (name: string): Size => {
    const known = measured.get(name);
    if (known !== undefined) return known;
    const fragment = fragments.get(name);
    // One that holds itself counts for nothing inside itself; validation refuses it, as one that is missing.
    measured.set(name, { fields: 0, aliases: 0, depth: 0 });
    if (fragment === undefined) return { fields: 0, aliases: 0, depth: 0 };
    const size = measure(fragment.selectionSet);
    measured.set(name, size);
    return size;
  };

  const measure = ({ selections }: SelectionSetNode): Size => {
    const size: Size = { fields: 0, aliases: 0, depth: 0 };
    for (const selection of selections) {
      const isField = selection.kind === Kind.FIELD;
      const below =
        selection.kind === Kind.FRAGMENT_SPREAD
          ? measureFragment(selection.name.value)
          : selection.selectionSet && measure(selection.selectionSet);
      size.fields += (isField ? 1 : 0) + (below?.fields ?? 0);
      size.aliases += (isField && selection.alias !== undefined ? 1 : 0) + (below?.aliases ?? 0);
      size.depth = Math.max(size.depth, (isField ? 1 : 0) + (below?.depth ?? 0));
    }
    return size;
  };

  let fields = 0;
  for (const definition of document.definitions) {
    if (!('selectionSet' in definition)) continue;
    const isFragment = definition.kind === Kind.FRAGMENT_DEFINITION;
    const size = isFragment
      ? measureFragment(definition.name.value)
      : measure(definition.selectionSet);
    checkSize(size, limits);
    fields += size.fields;
  }
  for (const definition of document.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) checkRepeats(definition, fragments);
  }
  return fields;
}

function checkSize({ fields, aliases, depth }: Size, limits: DocumentLimits): void {
  const { maxDocumentFields, maxDocumentDepth, maxAliases } = limits;
  if (depth > maxDocumentDepth) {
    const message = `The document is nested too deeply: ${depth} fields of at most ${maxDocumentDepth}.`;
    throw refusal('TOO_COSTLY', message);
  }
  if (aliases > maxAliases) {
    const message = `Too many aliases: ${show(aliases)} of at most ${maxAliases}, those of a fragment counted wherever it is used.`;
    throw refusal('TOO_MANY_ALIASES', message);
  }
  if (fields > maxDocumentFields) {
    const message = `Too many fields: ${show(fields)} of at most ${maxDocumentFields}, those of a fragment counted wherever it is used.`;
    throw refusal('TOO_COSTLY', message);
  }
}

/** Fragments that double again and again make numbers that nobody wants to read. */
function show(count: number): string {
  return count > 1e6 ? 'more than a million' : String(count);
}
