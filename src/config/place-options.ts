import { z } from 'zod';
import { list, notEmpty, text, wholeNumber } from './option.ts';

/** Where the server listens, what it serves, and where it keeps it. */
export const placeOptions = {
  flows: text(
    'directory of flow modules: files called flow or <name>.flow (.js .mjs .ts .mts), at any depth',
    {
      placeholder: 'DIR',
      schema: notEmpty('must name a directory'),
      defaultText: 'the examples of the package',
    },
  ),
  host: text('address to listen on; 127.0.0.1 is this machine alone', {
    placeholder: 'HOST',
    schema: notEmpty('must name an address'),
    default: '127.0.0.1',
  }),
  port: wholeNumber('port to listen on, 0 for any free one', {
    placeholder: 'PORT',
    least: 0,
    most: 65_535,
    default: 4000,
  }),
  knownHosts: list('names that browsers may reach the server by, besides addresses and localhost', {
    placeholder: 'NAMES',
    element: z
      .string('must be a list of names')
      .regex(/^[\w.-]+$/, 'must be a list of names such as jobs.example.org, without ports')
      .transform((name) => name.toLowerCase()),
    default: [],
  }),
  dataDir: text('directory that jobs are kept in, made if it is not there', {
    placeholder: 'DIR',
    schema: notEmpty('must name a directory'),
    default: './millrace-data',
  }),
  databaseUrl: text(
    'keep them there instead: sqlite:PATH, sqlite::memory: (until it stops) or postgres://…',
    {
      placeholder: 'URL',
      kind: 'url',
      schema: z
        .string('must be a URL')
        .regex(/^(sqlite|postgres|postgresql):/, 'must be sqlite:PATH or postgres://…'),
      defaultText: 'millrace.db in the data directory',
    },
  ),
};
