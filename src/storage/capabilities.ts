/** What differs between the databases. Everything else is the same code for both. */
export interface Capabilities {
  readonly dialect: 'sqlite' | 'postgres';
  /** Whether it works inside this process: a statement takes no way over a network, and nobody else writes. */
  readonly isInProcess: boolean;
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
}

export const CAPABILITIES: Readonly<Record<Capabilities['dialect'], Capabilities>> = {
  sqlite: {
    dialect: 'sqlite',
    isInProcess: true,
    maxParameters: 32_000,
    placeholder: () => '?',
    types: { text: 'text', whole: 'integer', real: 'real' },
    tableEnd: 'strict',
    clusteredTableEnd: 'strict, without rowid',
  },
  postgres: {
    dialect: 'postgres',
    isInProcess: false,
    maxParameters: 32_000,
    placeholder: (position) => `$${position}`,
    types: { text: 'text collate "C"', whole: 'bigint', real: 'double precision' },
    tableEnd: '',
    clusteredTableEnd: '',
  },
};
