import { ValidationError } from '../lib/domain-error.ts';

/** The arguments of every list. */
export interface PageArgs {
  readonly first?: number | null | undefined;
  readonly last?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly before?: string | null | undefined;
}

/** A page to fetch. */
export interface Page<Position> {
  readonly limit: number;
  readonly fromEnd: boolean;
  readonly after: Position | undefined;
  readonly before: Position | undefined;
}

export const DEFAULT_PAGE = 100;
export const LARGEST_PAGE = 1000;

/** What a page of a list costs: as much as its elements. */
export function pageComplexity({ first, last }: PageArgs) {
  const size = first ?? last ?? DEFAULT_PAGE;
  return { field: 1, multiplier: Math.min(Math.max(size, 1), LARGEST_PAGE) };
}

/**
 * Answers a page of a list that is found by position (keyset), however long the list is.
 * @param fetch gets the page with one element more than asked for, so that it shows whether there is more
 * @throws ValidationError for arguments that make no page, and for cursors that this list did not give out
 */
export async function keysetConnection<Element, Position>(
  args: PageArgs,
  list: {
    readonly positionOf: (element: Element) => Position;
    readonly isPosition: (value: unknown) => value is Position;
    readonly fetch: (page: Page<Position>) => Promise<readonly Element[]>;
    readonly totalCount: () => number | Promise<number>;
  },
) {
  const limit = checkSize(args);
  const fromEnd = args.last !== null && args.last !== undefined;
  const after = decodeCursor(args.after, 'after', list.isPosition);
  const before = decodeCursor(args.before, 'before', list.isPosition);
  const found = await list.fetch({ limit: limit + 1, fromEnd, after, before });
  const hasMore = found.length > limit;
  const elements = !hasMore ? found : fromEnd ? found.slice(1) : found.slice(0, limit);
  const edges = elements.map((node) => ({ cursor: encodeCursor(list.positionOf(node)), node }));
  return {
    edges,
    pageInfo: {
      hasNextPage: fromEnd ? before !== undefined : hasMore,
      hasPreviousPage: fromEnd ? hasMore : after !== undefined,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
    totalCount: list.totalCount,
  };
}

/**
 * Answers a page of a list that is in memory. `keyOf` names each element among the others. Should the element of
 * a cursor have gone meanwhile, the page begins at the list's beginning (or ends at its end).
 */
export function listConnection<Element>(
  args: PageArgs,
  elements: readonly Element[],
  keyOf: (element: Element) => string,
) {
  return keysetConnection<Element, string>(args, {
    positionOf: keyOf,
    isPosition: (value) => typeof value === 'string',
    totalCount: () => elements.length,
    fetch: async ({ limit, fromEnd, after, before }) => {
      const begin =
        after === undefined ? 0 : elements.findIndex((each) => keyOf(each) === after) + 1;
      const found =
        before === undefined ? -1 : elements.findIndex((each) => keyOf(each) === before);
      const end = found < 0 ? elements.length : found;
      const range = elements.slice(begin, end);
      return fromEnd ? range.slice(Math.max(0, range.length - limit)) : range.slice(0, limit);
    },
  });
}

function checkSize({ first, last }: PageArgs): number {
  const given = [
    ['first', first],
    ['last', last],
  ] as const;
  const sizes = given.flatMap(([name, size]) =>
    size === null || size === undefined ? [] : [{ name, size }],
  );
  if (sizes.length === 2) {
    const message = 'Give `first` or `last`, not both.';
    throw new ValidationError([{ path: ['last'], message }]);
  }
  const [{ name, size } = { name: 'first', size: DEFAULT_PAGE }] = sizes;
  if (size >= 1 && size <= LARGEST_PAGE) return size;
  const message = `${size} is not a page size. Give a number from 1 to ${LARGEST_PAGE}.`;
  throw new ValidationError([{ path: [name], message }]);
}

function encodeCursor(position: unknown): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

function decodeCursor<Position>(
  cursor: string | null | undefined,
  name: string,
  isPosition: (value: unknown) => value is Position,
): Position | undefined {
  if (cursor === null || cursor === undefined) return undefined;
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (isPosition(position)) return position;
  } catch {
    // Told below, as any other text that is no cursor.
  }
  const message = `"${cursor}" is not a cursor of this list. Use one that the API gave you.`;
  throw new ValidationError([{ path: [name], message }]);
}
