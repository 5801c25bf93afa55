/** What takes the place of a secret. */
export const MASK = '***';

/** What the name of a value has in it that is taken for a secret; letter case and separators do not matter. */
const SECRET_NAMES = [
  'password',
  'passwd',
  'pwd',
  'passphrase',
  'passcode',
  'secret',
  'token',
  'jwt',
  'bearer',
  'apikey',
  'accesskey',
  'privatekey',
  'signingkey',
  'encryptionkey',
  'authorization',
  'credential',
  'cookie',
  'sessionid',
  'connectionstring',
] as const;

/** Names are no longer than this, as far as they are looked at: an attacker may write a book. */
const LONGEST_NAME = 200;

/** Whether what stands under this name is to be hidden, whatever it is: `password`, `api_key`, `X-Auth-Token`. */
export function isSecretName(name: string): boolean {
  const plain = name
    .slice(0, LONGEST_NAME)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
  return SECRET_NAMES.some((word) => plain.includes(word));
}

/**
 * Hides secrets inside a text: who logs in by a URL (`scheme://user:password@host`), parameters of URLs whose names
 * are those of secrets, and what follows the word `Bearer`.
 */
export function maskText(text: string): string {
  return text
    .replace(/:\/\/[^\s/?#]*@/g, `://${MASK}@`)
    .replace(/([?&]([^\s?&#=]{1,100})=)[^\s&#]+/g, (whole, before: string, name: string) =>
      isSecretName(name) ? `${before}${MASK}` : whole,
    )
    .replace(/\b(Bearer) +[^\s"',;]+/gi, `$1 ${MASK}`);
}
