/** What people may call a thing that they name themselves, such as a service or a rule. */
export const THING_NAME = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$/;
