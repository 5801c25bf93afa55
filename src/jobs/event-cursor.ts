import {
  type Cipher,
  createCipheriv,
  createDecipheriv,
  createHash,
  randomBytes,
} from 'node:crypto';
import { DEFAULT_TENANT } from '../lib/identity.ts';

/** What the cursors of one run of the server are written with. */
export interface CursorNames {
  /** Names the run. */
  readonly epoch: string;
  /** Answer of `newCursorKey`. */
  readonly cursorKey: string;
}

/** A cursor, as far as it is read without a key. */
export interface CursorText {
  readonly epoch: string;
  /** What names the place: for whoever has the key of the run, or in digits. */
  readonly name: string;
}

/** One block of AES: the place, a salt, and a check of whose it is. Lengths in bytes. */
const CIPHER = 'aes-128-ecb';
const PLACE_LENGTH = 6;
const SALT_LENGTH = 4;
const CHECK_LENGTH = 6;
const BLOCK_LENGTH = PLACE_LENGTH + SALT_LENGTH + CHECK_LENGTH;

const NO_SALT = Buffer.alloc(SALT_LENGTH);

/** A new key for the cursors of one run. */
export function newCursorKey(): string {
  return randomBytes(BLOCK_LENGTH).toString('base64url');
}

/** Writes the cursors of one run of the server. */
export class CursorWriter {
  readonly #epoch: string;
  /** What it makes of a block depends on nothing that was before. */
  readonly #cipher: Cipher;

  constructor({ epoch, cursorKey }: CursorNames) {
    this.#epoch = epoch;
    this.#cipher = createCipheriv(CIPHER, toKey(cursorKey), null).setAutoPadding(false);
  }

  /**
   * Names a place for one tenant. Events of all tenants are numbered together, so nobody may read the number, nor see
   * from two cursors whether others had events in between.
   * @param isSalted whether it is another text each time. Not for events of the tenant itself, which it may know again
   */
  write(tenant: string, place: number, isSalted: boolean): string {
    const number = Buffer.alloc(PLACE_LENGTH);
    number.writeUIntBE(place, 0, PLACE_LENGTH);
    const salt = isSalted ? randomBytes(SALT_LENGTH) : NO_SALT;
    const block = this.#cipher.update(Buffer.concat([number, salt, checkOf(tenant)]));
    return `${this.#epoch}.${block.toString('base64url')}`;
  }
}

/** The parts of what looks like a cursor; `undefined` for all else. */
export function readCursor(cursor: string): CursorText | undefined {
  const [, epoch, name] = /^(.+)\.([\w-]{22})$/.exec(cursor) ?? readPlain(cursor);
  return epoch === undefined || name === undefined ? undefined : { epoch, name };
}

/**
 * The place that a cursor names; `undefined` when its run did not give it out, or gave it to another tenant.
 * @param cursorKey that of the run; `undefined` for one from before there were tenants
 */
export function findPlace(
  cursorKey: string | undefined,
  tenant: string,
  name: string,
): number | undefined {
  if (cursorKey === undefined) return findPlainPlace(tenant, name);
  const block = Buffer.from(name, 'base64url');
  if (block.length !== BLOCK_LENGTH || block.toString('base64url') !== name) return undefined;
  const decipher = createDecipheriv(CIPHER, toKey(cursorKey), null).setAutoPadding(false);
  const read = decipher.update(block);
  const isTheirs = read.subarray(-CHECK_LENGTH).equals(checkOf(tenant));
  return isTheirs ? read.readUIntBE(0, PLACE_LENGTH) : undefined;
}

/** Runs from before there were tenants had no key: their cursors end in the number. */
const readPlain = (cursor: string) => /^(.+)-(\d{1,15})$/.exec(cursor) ?? [];

/** All that happened then is of one tenant. */
function findPlainPlace(tenant: string, name: string): number | undefined {
  return tenant === DEFAULT_TENANT && /^\d{1,15}$/.test(name) ? Number(name) : undefined;
}

function checkOf(tenant: string): Buffer {
  return createHash('sha256').update(tenant).digest().subarray(0, CHECK_LENGTH);
}

function toKey(cursorKey: string): Buffer {
  return Buffer.from(cursorKey, 'base64url');
}
