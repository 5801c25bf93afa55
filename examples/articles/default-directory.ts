import { existsSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';

/**
 * Where `articles` reads when nobody says otherwise: the package this file is in, with its dependencies. Installed
 * as a dependency itself, it reads what it was installed with: the whole `node_modules` it lives in.
 */
export function findDefaultDirectory(from = import.meta.dirname): string {
  const packageRoot = findPackageRoot(from);
  const inside = packageRoot.indexOf(`${sep}node_modules${sep}`);
  return inside < 0 ? packageRoot : packageRoot.slice(0, inside + `${sep}node_modules`.length);
}

/** The nearest directory upwards with a `package.json`. From source and from build output it is the same one. */
function findPackageRoot(from: string): string {
  for (let directory = from; ; directory = dirname(directory)) {
    if (existsSync(join(directory, 'package.json'))) return directory;
    if (directory === dirname(directory)) throw new Error(`No package.json above ${from}.`);
  }
}
