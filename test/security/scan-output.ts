import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** What tests plant as secrets, and keys of the API. Neither may be in what a test run writes. */
const PLANTED = /s3cr3t-|mr_[a-z0-9]{12}_[A-Za-z0-9_-]{40,}/g;

const [path] = process.argv.slice(2);
if (path === undefined) {
  process.stderr.write('Usage: tsx test/security/scan-output.ts <output of a test run>\n');
  process.exit(2);
}

let at = 0;
let found = 0;
for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
  at++;
  if (line.search(PLANTED) < 0) continue;
  found++;
  const shown = line.replaceAll(PLANTED, '***').slice(0, 200);
  process.stderr.write(`${path}:${at}: a secret of the tests was written: ${shown}\n`);
}
if (found > 0) process.exit(1);
process.stdout.write(`No secret was found in ${at} lines of ${path}.\n`);
