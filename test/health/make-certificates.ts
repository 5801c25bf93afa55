import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Certificates as PEM, all for the same key. */
export interface Certificates {
  readonly key: string;
  /** The authority of all but `selfSigned`. */
  readonly ca: string;
  /** For `localhost` and `127.0.0.1`. */
  readonly good: string;
  /** For `other.example`. */
  readonly wrongName: string;
  readonly expired: string;
  readonly early: string;
  readonly selfSigned: string;
}

const CONFIG = `
[ca]
default_ca = made
[made]
database = index.txt
new_certs_dir = .
default_md = sha256
policy = any
rand_serial = yes
unique_subject = no
[any]
commonName = supplied
[here]
subjectAltName = DNS:localhost,IP:127.0.0.1
[elsewhere]
subjectAltName = DNS:other.example
[req]
distinguished_name = name
[name]
`;

/** Makes certificates with the `openssl` of the machine, so that no key lies in the repository and none runs out. */
export function makeCertificates(): Certificates {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-certificates-'));
  const run = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const config = ['-config', 'openssl.cnf'];
  const sign = (name: string, extensions: string, from: string, to: string) => {
    const signer = ['-cert', 'ca.pem', '-keyfile', 'ca.key'];
    const dates = ['-startdate', `${from}0101000000Z`, '-enddate', `${to}0101000000Z`];
    const what = ['-in', 'request.pem', '-out', name, '-extensions', extensions, '-notext'];
    run('ca', '-batch', ...config, ...signer, ...dates, ...what);
    return read(name);
  };
  try {
    writeFileSync(join(directory, 'openssl.cnf'), CONFIG);
    writeFileSync(join(directory, 'index.txt'), '');
    run(
      'req',
      '-x509',
      ...newKey,
      ...config,
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-days',
      '3650',
      '-subj',
      '/CN=test authority',
      '-addext',
      'basicConstraints=critical,CA:TRUE',
    );
    run(
      'req',
      '-new',
      ...newKey,
      ...config,
      '-keyout',
      'key.pem',
      '-out',
      'request.pem',
      '-subj',
      '/CN=localhost',
    );
    run(
      'req',
      '-x509',
      ...config,
      '-key',
      'key.pem',
      '-out',
      'self.pem',
      '-days',
      '3650',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost,IP:127.0.0.1',
    );
    return {
      key: read('key.pem'),
      ca: read('ca.pem'),
      selfSigned: read('self.pem'),
      good: sign('good.pem', 'here', '2020', '2090'),
      wrongName: sign('wrong-name.pem', 'elsewhere', '2020', '2090'),
      expired: sign('expired.pem', 'here', '2020', '2021'),
      early: sign('early.pem', 'here', '2080', '2090'),
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
