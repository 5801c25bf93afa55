/** What takes the place of a secret. */
export const MASK = '***';

/** What a name has in it that is taken for that of a secret, whatever is around it; without separators. */
const SECRET_PARTS = new RegExp(
  [
    ...['passw', 'passphrase', 'passcode', 'passkey', 'pwd', 'dbpass', 'userpass', 'sshpass'],
    ...['secret(?!ar)', 'token(?!i[sz])', 'jwt', 'bearer', 'authorization', 'credential', 'cookie'],
    ...['sessionid', 'sessid', 'sessionkey', 'connectionstring'],
    '(?:api|access|private|signing|encryption|account|shared|master|ssh|hmac|deploy|subscription)key',
  ].join('|'),
);

/** What is taken for a secret only as a word of its own: `dbPass` and `X-Auth`, but not `compass` and `author`. */
const SECRET_WORDS = new Set(
  'auth oauth oauth2 pass pw cred creds sid otp totp psk sig signature'.split(' '),
);

/** Of a longer name, so many characters at either end are looked at: an attacker may write a book. */
const LOOKED_AT = 200;

/** Whether what stands under this name is to be hidden, whatever it is: `password`, `api_key`, `X-Auth-Token`. */
export function isSecretName(name: string): boolean {
  const looked =
    name.length <= 2 * LOOKED_AT ? name : `${name.slice(0, LOOKED_AT)} ${name.slice(-LOOKED_AT)}`;
  const plain = looked.toLowerCase().replace(/[^a-z0-9]/g, '');
  return (
    SECRET_PARTS.test(plain) ||
    looked
      .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
      .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
      .toLowerCase()
      .split(/[^a-z0-9]+/)
      .some((word) => SECRET_WORDS.has(word) || SECRET_WORDS.has(word.replace(/\d+$/, '')))
  );
}

/** Whether a value is the name of a secret, and nothing else. */
export function isNameOfSecret(value: unknown): boolean {
  return typeof value === 'string' && /^[\w .-]{1,200}$/.test(value) && isSecretName(value);
}

/** Whether a value only tells how many there are (`maxTokens: 4096`), though its name looks like that of a secret. */
export function isCount(name: string, value: number): boolean {
  return /tokens$/i.test(name.slice(-LOOKED_AT)) && Number.isSafeInteger(value) && value < 1e9;
}

/** Whether this is how a pair calls its name: `{ name: 'password', value: … }`, and `key` or `header` just so. */
export function isNameOfPair(name: string): boolean {
  return /^(?:name|key|header|field|param|parameter|variable|property)$/i.test(name);
}

/** Whether this is how a pair calls its value. */
export function isValueOfPair(name: string): boolean {
  return /^(?:values?|val|content|data|default|defaultvalue)$/i.test(name);
}
