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

/** A page as it is answered. */
export interface Connection<Element> {
  readonly edges: { readonly node: Element; readonly cursor: string }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
  readonly totalCount: () => number | Promise<number>;
}

export const DEFAULT_PAGE = 100;
export const LARGEST_PAGE = 1000;

/** What a page of a list costs: as much as its elements. */
export function pageComplexity({ first, last }: PageArgs) {
  const size = first ?? last ?? DEFAULT_PAGE;
  return { field: 1, multiplier: Math.min(Math.max(size, 1), LARGEST_PAGE) };
}

/**
 * Answers a page of a list that is found by position (keyset), however long the list is. A position stays valid when
 * elements come and go, that of the cursor included: so a list that changes is read with no overlap and no hole.
 * @throws ValidationError for arguments that make no page, and for cursors that this list did not give out
 */
export async function keysetConnection<Element, Position>(
  args: PageArgs,
  list: {
    /** Names the list and its order: cursors of lists with other names are refused. */
    readonly name: string;
    readonly positionOf: (element: Element) => Position;
    readonly isPosition: (value: unknown) => value is Position;
    /** Gets a page; it is asked for one element more than the client wants, which shows whether there is more. */
    readonly fetch: (page: Page<Position>) => Promise<readonly Element[]>;
    readonly totalCount: () => number | Promise<number>;
  },
): Promise<Connection<Element>> {
  const limit = checkSize(args);
  const fromEnd = args.last !== null && args.last !== undefined;
  const after = decodeCursor(args.after, 'after', list);
  const before = decodeCursor(args.before, 'before', list);
  const found = await list.fetch({ limit: limit + 1, fromEnd, after, before });
  const hasMore = found.length > limit;
  const elements = !hasMore ? found : fromEnd ? found.slice(1) : found.slice(0, limit);
  const edges = elements.map((node) => new Edge(node, list));
  return {
    edges,
    pageInfo: {
      hasNextPage: fromEnd ? before !== undefined : hasMore,
      hasPreviousPage: fromEnd ? hasMore : after !== undefined,
      get startCursor() {
        return edges[0]?.cursor ?? null;
      },
      get endCursor() {
        return edges.at(-1)?.cursor ?? null;
      },
    },
    totalCount: list.totalCount,
  };
}

type Key = string | number;

const isKey = (value: unknown): value is Key =>
  typeof value === 'string' || typeof value === 'number';

/** Answers a page of a list that is in memory, in ascending order of the keys of its elements. */
export function listConnection<Element>(
  args: PageArgs,
  list: {
    /** As in `keysetConnection`. */
    readonly name: string;
    readonly elements: readonly Element[];
    readonly keyOf: (element: Element) => Key;
  },
) {
  const { name, elements, keyOf } = list;
  return keysetConnection<Element, Key>(args, {
    name,
    positionOf: keyOf,
    isPosition: isKey,
    totalCount: () => elements.length,
    fetch: async ({ limit, fromEnd, after, before }) => {
      const range = elements.filter(
        (each) =>
          (after === undefined || keyOf(each) > after) &&
          (before === undefined || keyOf(each) < before),
      );
      return fromEnd ? range.slice(Math.max(0, range.length - limit)) : range.slice(0, limit);
    },
  });
}

/**
 * Answers a page of a list that is read by position, from 0, such as the parts of a value. Cursors are positions, too: when
 * elements come or go before one, the page behind it shifts.
 */
export async function rangeConnection<Element>(
  args: PageArgs,
  list: {
    /** As in `keysetConnection`. */
    readonly name: string;
    readonly fetch: (range: {
      readonly offset: number;
      readonly limit: number;
    }) => Promise<readonly Element[]>;
    /** Is asked only for pages from the end, and for `totalCount`. */
    readonly count: () => number | Promise<number>;
  },
) {
  const { name, fetch, count } = list;
  const page = await keysetConnection<Placed<Element>, number>(args, {
    name,
    positionOf: ({ position }) => position,
    isPosition,
    totalCount: count,
    fetch: async ({ limit, fromEnd, after = -1, before = Number.MAX_SAFE_INTEGER }) => {
      const end = fromEnd ? Math.min(before, await count()) : before;
      const offset = fromEnd ? Math.max(after + 1, end - limit) : after + 1;
      if (end <= offset) return [];
      const elements = await fetch({ offset, limit: Math.min(limit, end - offset) });
      return elements.map((element, at) => ({ element, position: offset + at }));
    },
  });
  const edges = page.edges.map((edge) => ({
    node: edge.node.element,
    get cursor() {
      return edge.cursor;
    },
  }));
  return { ...page, edges };
}

interface Placed<Element> {
  readonly element: Element;
  readonly position: number;
}

const isPosition = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

interface PositionedList<Element> {
  readonly name: string;
  readonly positionOf: (element: Element) => unknown;
}

/** An element of a page. Its cursor is written only when it is asked for. */
class Edge<Element> {
  readonly node: Element;
  readonly #list: PositionedList<Element>;

  constructor(node: Element, list: PositionedList<Element>) {
    this.node = node;
    this.#list = list;
  }

  get cursor(): string {
    return encodeCursor(this.#list.name, this.#list.positionOf(this.node));
  }
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

function encodeCursor(list: string, position: unknown): string {
  return Buffer.from(JSON.stringify([list, position])).toString('base64url');
}

function decodeCursor<Position>(
  cursor: string | null | undefined,
  argument: string,
  list: { readonly name: string; readonly isPosition: (value: unknown) => value is Position },
): Position | undefined {
  if (cursor === null || cursor === undefined) return undefined;
  try {
    const decoded: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    const [name, position] = Array.isArray(decoded) ? (decoded as unknown[]) : [];
    if (name === list.name && list.isPosition(position)) return position;
  } catch {
    // Told below, as any other text that is no cursor.
  }
  const message = `"${cursor}" is not a cursor of this list in this order. Use one that the API gave you for it.`;
  throw new ValidationError([{ path: [argument], message }]);
}
