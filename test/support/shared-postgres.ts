import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { inject } from 'vitest';
import { findPostgres, makeSchema } from './postgres.ts';

const { REQUIRE_TEST_SERVERS } = process.env;

/**
 * Whether tests that need PostgreSQL can run. Where it is not installed they are skipped, and told as skipped; with
 * REQUIRE_TEST_SERVERS=1 they fail instead.
 */
export const hasPostgres = findPostgres() !== undefined || REQUIRE_TEST_SERVERS === '1';

let url: Promise<string> | undefined;

/** The URL of a new, empty schema of the PostgreSQL that the whole test run shares. The first to ask waits for its start. */
export async function makePostgresUrl(): Promise<string> {
  url ??= askForUrl();
  return makeSchema(await url);
}

async function askForUrl(): Promise<string> {
  const answer: { readonly url?: string; readonly problem?: string } = JSON.parse(
    await text(connect(inject('postgresPort'), '127.0.0.1')),
  );
  if (answer.url === undefined) throw new Error(answer.problem);
  return answer.url;
}
