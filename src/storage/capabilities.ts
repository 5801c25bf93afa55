/** What differs between the databases. Everything else is the same code for both. */
export interface Capabilities {
  readonly dialect: 'sqlite' | 'postgres';
  /** The most parameters of one statement. */
  readonly maxParameters: number;
  /** Stands in a statement for its parameter at a position, the first of which is 1. */
  placeholder(position: number): string;
  /** Types of columns, as they stand in `create table`. */
  readonly types: {
    /** Compared byte by byte, as JavaScript compares ids. */
    readonly text: string;
    /** A whole number up to 2^53: a time, a count. */
    readonly whole: string;
    /** A number with fractions. */
    readonly real: string;
  };
  /** Ends `create table`. */
  readonly tableEnd: string;
  /** Ends `create table` of a table whose rows lie in the order of its primary key. */
  readonly clusteredTableEnd: string;
  /** Whether text may hold the character NUL. Where it may not it is stored as U+FFFD, the replacement character. */
  readonly holdsNul: boolean;
}

export const CAPABILITIES: Readonly<Record<Capabilities['dialect'], Capabilities>> = {
  sqlite: {
    dialect: 'sqlite',
    maxParameters: 32_000,
    placeholder: () => '?',
    types: { text: 'text', whole: 'integer', real: 'real' },
    tableEnd: 'strict',
    clusteredTableEnd: 'strict, without rowid',
    holdsNul: true,
  },
  postgres: {
    dialect: 'postgres',
    maxParameters: 32_000,
    placeholder: (position) => `$${position}`,
    types: { text: 'text collate "C"', whole: 'bigint', real: 'double precision' },
    tableEnd: '',
    clusteredTableEnd: '',
    holdsNul: false,
  },
};
