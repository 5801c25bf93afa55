import { isSecretName, MASK } from './secret-names.ts';

/**
 * A URL without what is secret in it: who one is (all before the last `@`, since passwords may have any character in
 * them), and parameters whose names tell so. It need not be a good one.
 */
export function maskUrl(url: string): string {
  const anonymous = url.replace(/^(\w[\w+.-]*:\/\/)?.*@/s, `$1${MASK}@`);
  return anonymous.replace(/([?&#;])([^=?&#;]*)=[^&#;]*/g, (whole, before: string, name: string) =>
    isSecretName(plainOf(name)) ? `${before}${name}=${MASK}` : whole,
  );
}

function plainOf(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
