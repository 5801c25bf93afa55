import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Scope } from '../lib/identity.ts';

/** What is known of a key: all but its secret. */
export interface ApiKey {
  /** Part of the key, and no secret. */
  readonly id: string;
  /** What it is for, in the words of whoever made it. */
  readonly description: string | undefined;
  /** Who shows it. */
  readonly subject: string;
  readonly tenant: string;
  readonly scopes: ReadonlySet<Scope>;
  /** Milliseconds since the Unix epoch, as all times here. */
  readonly createdAt: number;
  /** From when it is not valid any more; `undefined` for never. */
  readonly expiresAt: number | undefined;
  /** Since when it is not valid any more. */
  readonly revokedAt: number | undefined;
}

/** A key as it is shown: `mr_<id>_<secret>`. */
export interface KeyText {
  readonly id: string;
  readonly secret: string;
}

/** What every key begins with, and no JWT does. */
export const KEY_PREFIX = 'mr_';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567';
const ID_LENGTH = 12;
const SECRET_BYTES = 32;
const ID = /^[a-z2-7]{12}$/;
const KEY = /^mr_([a-z2-7]{12})_([A-Za-z0-9_-]{43})$/;

/** A new key, from the system's source of chance: 60 bits name it, 256 are its secret. */
export function makeKeyText(): KeyText {
  const id = [...randomBytes(ID_LENGTH)].map((byte) => LETTERS.charAt(byte % LETTERS.length));
  return { id: id.join(''), secret: randomBytes(SECRET_BYTES).toString('base64url') };
}

export function formatKey({ id, secret }: KeyText): string {
  return `${KEY_PREFIX}${id}_${secret}`;
}

/** The parts of a key; `undefined` for what is none. */
export function parseKey(text: string): KeyText | undefined {
  const [, id, secret] = KEY.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** Whether this may be the id of a key. */
export function isKeyId(text: string): boolean {
  return ID.test(text);
}

/**
 * What is stored of a secret: its SHA-256, in hexadecimal. It is as hard to guess as any hash of 256 bits of chance, so
 * nothing slow is needed that would let a flood of wrong keys keep the server busy.
 */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Whether a secret has this hash. Takes the same time whatever it is. */
export function isSecretOf(secret: string, hash: string): boolean {
  const stored = Buffer.from(hash, 'hex');
  const shown = Buffer.from(hashSecret(secret), 'hex');
  return stored.length === shown.length && timingSafeEqual(stored, shown);
}
