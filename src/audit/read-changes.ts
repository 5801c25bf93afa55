import { cutText } from '../lib/preview.ts';
import type { AuditChanges } from './audit-entry.ts';
import { writeArguments } from './write-arguments.ts';

/** The most characters that are kept of what was there before an edit, and of what was there after it. */
const LONGEST = 4_096;

/**
 * What an edit changed, as its payload tells in a `change` of its own: `{ before, after }`, a preview each, or nothing.
 * Secrets are masked like arguments, also where the path that the edit was asked for leads to one.
 * `undefined` for a payload that tells of no change. Nothing of the payload is run.
 */
export function readChanges(answer: unknown, path: unknown): AuditChanges | undefined {
  const change = own(answer, 'change');
  const before = textOf(own(change, 'before'));
  const after = textOf(own(change, 'after'));
  if (before === undefined && after === undefined) return undefined;
  return { before: mask(before, path), after: mask(after, path) };
}

function textOf(preview: unknown): string | undefined {
  const text = own(preview, 'text');
  return typeof text === 'string' ? text : undefined;
}

function mask(value: string | undefined, path: unknown): string | undefined {
  if (value === undefined) return undefined;
  const { value: masked }: { value?: unknown } = JSON.parse(writeArguments({ value, path }));
  // Cut last: what is cut in the middle could not be seen to be a secret.
  return typeof masked === 'string' ? cutText(masked, LONGEST) : '…';
}

function own(of: unknown, key: string): unknown {
  try {
    return typeof of === 'object' && of !== null
      ? Object.getOwnPropertyDescriptor(of, key)?.value
      : undefined;
  } catch {
    return undefined; // it fights back
  }
}
