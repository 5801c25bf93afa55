/** A tenant: begins with a letter or digit, so that it is never an option, a hidden file or a way up. */
const TENANT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** As identity providers make them (`auth0|5f7c`, `ann@example.org`): visible ASCII, no space. */
const SUBJECT = /^[\x21-\x7e]{1,255}$/;

/** What a tenant must be, for people. */
export const TENANT_FORM =
  'must be 1 to 64 letters, digits, dots, hyphens or underscores, and begin with a letter or digit';
/** What a subject must be, for people. */
export const SUBJECT_FORM = 'must be 1 to 255 visible ASCII characters, without a space';

/** Whether something is the name of a tenant. */
export function isTenant(value: unknown): value is string {
  return typeof value === 'string' && TENANT.test(value);
}

/** Whether something names who somebody is. */
export function isSubject(value: unknown): value is string {
  return typeof value === 'string' && SUBJECT.test(value);
}
