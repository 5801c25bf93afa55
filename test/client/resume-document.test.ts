import { readFileSync } from 'node:fs';
import { buildSchema, parse, print, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { makeResumable } from '../../src/client/resume-document.ts';

const schema = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'));

const make = (text: string) => {
  const made = makeResumable(parse(text));
  if (made === undefined) return undefined;
  expect(validate(schema, made.document).map(({ message }) => message)).toEqual([]);
  const { field, variable, after, document } = made;
  return { field, variable, after, text: print(document).replaceAll(/\s+/g, ' ') };
};

const MARKS = 'millraceResumeCursor: cursor millraceResumeType: __typename';

describe('a subscription to events', () => {
  test('gets a variable for the cursor, and what is needed to resume it', () => {
    expect(make('subscription { jobEvents(jobId: "1") { type } }')).toEqual({
      field: 'jobEvents',
      variable: 'millraceResumeAfter',
      text:
        'subscription ($millraceResumeAfter: String) ' +
        `{ jobEvents(jobId: "1", after: $millraceResumeAfter) { type ${MARKS} } }`,
    });
  });

  test('keeps the variable it has', () => {
    const text =
      'subscription S($id: ID!, $x: String = "c") { e: jobEvents(after: $x, jobId: $id) { at } }';
    expect(make(text)).toEqual({
      field: 'e',
      variable: 'x',
      after: 'c',
      text: `subscription S($id: ID!, $x: String = "c") { e: jobEvents(jobId: $id, after: $x) { at ${MARKS} } }`,
    });
  });

  test('begins where its text says', () => {
    const text = (after: string) =>
      `subscription { jobEvents(jobId: "1", after: ${after}) { at } }`;
    expect(make(text('"abc-7"'))?.after).toBe('abc-7');
    expect(make(text('null'))?.after).toBe(undefined);
    expect(make(text('"abc-7"'))?.text).toBe(make(text('null'))?.text);
  });

  test('is found in fragments', () => {
    const made = make(
      'subscription { ...F } fragment F on Subscription { ... { jobEvents(jobId: "1") { ...E } } } ' +
        'fragment E on JobEvent { at job { id } }',
    );
    expect(made?.text).toContain(`{ ...E ${MARKS} }`);
    expect(made?.field).toBe('jobEvents');
  });

  test('is not what has another kind', () => {
    expect(make('subscription { jobStatusChanged { status } }')).toBeUndefined();
    expect(make('query { jobs { totalCount } }')).toBeUndefined();
  });

  test('with faults is left for the server to refuse', () => {
    const faulty = [
      'subscription { jobEvents(jobId: "1") }',
      'subscription { ...F } fragment F on Subscription { ...F }',
      'subscription { ...Nowhere }',
    ];
    expect(faulty.map((text) => makeResumable(parse(text)))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
