import { describe, expect, test } from 'vitest';
import {
  listSecrets,
  maskDefinition,
  readServiceDefinition,
  SERVICE_KEYS,
} from '../../src/health/service-definition.ts';
import { formatPath, ValidationError } from '../../src/lib/domain-error.ts';
import { makeCertificates } from './make-certificates.ts';

const least = { name: 'payments', url: 'https://payments.example/health' };

/** Every fault that is found, as `path: message`. */
function findFaults(...args: Parameters<typeof readServiceDefinition>): string[] {
  try {
    readServiceDefinition(...args);
  } catch (thrown) {
    if (!(thrown instanceof ValidationError)) throw thrown;
    return thrown.issues.map(({ path, message }) => `${formatPath(path)}: ${message}`);
  }
  return [];
}

describe('a service', () => {
  test('has defaults for all but its name and URL', () => {
    expect(readServiceDefinition(least)).toEqual({
      name: 'payments',
      description: undefined,
      url: 'https://payments.example/health',
      method: 'GET',
      headers: {},
      intervalMs: 1_000,
      extendedInterval: false,
      timeoutMs: 5_000,
      expectedStatus: ['200-299'],
      conditions: [],
      degradedAboveMs: undefined,
      maxBodyBytes: 65_536,
      tls: undefined,
      dependsOn: [],
      failureThreshold: 3,
      successThreshold: 2,
      windowSize: 20,
      flapThreshold: 6,
    });
  });

  test('takes null for the default', () => {
    const rest = SERVICE_KEYS.filter((key) => key !== 'name' && key !== 'url');
    const empty = Object.fromEntries(rest.map((key) => [key, null]));
    expect(readServiceDefinition({ ...least, ...empty })).toEqual(readServiceDefinition(least));
  });

  test('is written in one way only', () => {
    const { url, expectedStatus } = readServiceDefinition({
      name: 'a',
      url: 'HTTP://Example.com:80/a b#part',
      expectedStatus: [204, '2xx', ' 404 '],
    });
    expect(url).toBe('http://example.com/a%20b');
    expect(expectedStatus).toEqual(['204', '200-299', '404']);
    expect(readServiceDefinition({ name: 'a', url: 'http://0x7f.1/' }).url).toBe(
      'http://127.0.0.1/',
    );
  });

  test.each([50, 999, 1_000])('may be checked every %d ms (H1)', (intervalMs) => {
    expect(readServiceDefinition({ ...least, intervalMs }).intervalMs).toBe(intervalMs);
  });

  test.each([49, 1_001, 0, -1, 99.5, 60_000])(
    'may not be checked every %d ms (H1)',
    (intervalMs) => {
      expect(findFaults({ ...least, intervalMs })).toEqual([
        'intervalMs: Must be a whole number from 50 to 1,000 ms, which is 1 to 20 checks a second. Choose one of these, or set `extendedInterval: true` for up to 86,400,000 ms.',
      ]);
    },
  );

  test('may be checked more rarely where that is said (H1)', () => {
    const extended = { ...least, extendedInterval: true };
    expect(readServiceDefinition({ ...extended, intervalMs: 86_400_000 }).intervalMs).toBe(
      86_400_000,
    );
    for (const intervalMs of [49, 86_400_001]) {
      expect(findFaults({ ...extended, intervalMs })).toEqual([
        'intervalMs: Must be a whole number from 50 to 86,400,000 ms.',
      ]);
    }
  });
});

describe('what is wrong with a service', () => {
  test('is told all at once', () => {
    const faults = findFaults({
      name: 'agent:x',
      url: 'ftp://a.example',
      intervalMs: 5_000,
      timeoutMs: 0,
      degradedAboveMs: 'soon',
      expectedStatus: ['200', 'fine'],
      conditions: ['body.a ==', 'bdy.a == 1'],
      headers: { Connection: 'close', 'a b': 'x', x: 'a\r\nb: c' },
      interval: 100,
      tls: { certificate: 'x' },
    });
    expect(faults).toEqual([
      'name: Must be letters, digits, ".", "_", "/" and "-", at most 100, with a letter or digit first.',
      'url: Must begin with http:// or https://.',
      'headers.x: Must have no line breaks, other control characters, or characters beyond Latin-1.',
      'headers.Connection: Is about the connection, so it can not be set.',
      'headers.a b: Is no name of a header.',
      'timeoutMs: Must be a whole number from 1 to 600,000 ms.',
      'expectedStatus[1]: Must be a status such as 404, a range such as 200-299, or a class such as 2xx, from 200 to 599.',
      expect.stringMatching(/^conditions\[0\]: .+ \(line 1, column \d+\)$/),
      'conditions[1]: Unknown name "bdy". Did you mean "body"? (line 1, column 1)',
      'degradedAboveMs: Must be a whole number from 1 to 600,000 ms.',
      'tls.certificate: There is no such key.',
      'interval: There is no such key. Did you mean `intervalMs`?',
      expect.stringMatching(/^intervalMs: Must be a whole number from 50 to 1,000 ms/),
    ]);
  });

  test.each<[string, unknown, string]>([
    ['no object', 7, 'input: Must be an object.'],
    ['a list', [], 'input: Must be an object.'],
    ['no name', { url: 'http://a/' }, 'name: Must be there.'],
    ['no URL', { name: 'a' }, 'url: Must be there.'],
    [
      'a URL that is none',
      { name: 'a', url: 'a.example/x' },
      'url: Must be a URL such as https://example.com/health.',
    ],
    [
      'a user in the URL',
      { name: 'a', url: 'http://u:s3cr3t-1@a/' },
      'url: Must have no user and password. Set a header `authorization` instead.',
    ],
    [
      'a masked URL',
      { name: 'a', url: 'http://a/?token=***' },
      'url: Has "***" in the place of a secret. Write the secret, or leave the URL out.',
    ],
    [
      'a masked header',
      { ...least, headers: { a: '***' } },
      'headers.a: "***" stands in the place of a secret. Write the secret, or leave `headers` out.',
    ],
    ...[
      'connection',
      'Transfer-Encoding',
      'content-length',
      'upgrade',
      'TE',
      'trailer',
      'keep-alive',
      'expect',
    ].map((name): [string, unknown, string] => [
      `the header ${name}`,
      { ...least, headers: { [name]: '1' } },
      `headers.${name}: Is about the connection, so it can not be set.`,
    ]),
    ['a header twice', { ...least, headers: { a: '1', A: '2' } }, 'headers.A: Is there twice.'],
    [
      'too many headers',
      {
        ...least,
        headers: Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`h${at}`, ''])),
      },
      'headers: Must be at most 50.',
    ],
    [
      'an unknown method',
      { ...least, method: 'DELETE' },
      'method: Must be one of GET, HEAD, OPTIONS, POST.',
    ],
    [
      'no expected status',
      { ...least, expectedStatus: [] },
      'expectedStatus: Must be at least one.',
    ],
    [
      'too many conditions',
      { ...least, conditions: Array(21).fill('true') },
      'conditions: Must be at most 20.',
    ],
    [
      'a huge body',
      { ...least, maxBodyBytes: 1_048_577 },
      'maxBodyBytes: Must be a whole number from 0 to 1,048,576 bytes.',
    ],
    [
      'a limit that is never reached',
      { ...least, degradedAboveMs: 5_000 },
      'degradedAboveMs: Must be less than `timeoutMs`, which is 5,000.',
    ],
    [
      'itself as a need',
      { ...least, dependsOn: ['payments'] },
      'dependsOn: A service can not need itself.',
    ],
    ['a need twice', { ...least, dependsOn: ['a', 'a'] }, 'dependsOn: Has a name twice.'],
    [
      'a need that is no name',
      { ...least, dependsOn: ['a b'] },
      'dependsOn[0]: Must be the name of a service.',
    ],
    [
      'a threshold of 0',
      { ...least, failureThreshold: 0 },
      'failureThreshold: Must be a whole number from 1 to 100.',
    ],
    [
      'a condition on what HEAD does not have',
      { ...least, method: 'HEAD', conditions: ['status == 200', 'body.a == 1'] },
      'conditions: Must not read `body`, which an answer to HEAD does not have.',
    ],
    [
      'TLS options for plain HTTP',
      { name: 'a', url: 'http://a/', tls: { verify: false } },
      'tls: Counts only where the URL begins with https://.',
    ],
    [
      'a key without certificate',
      { ...least, tls: { key: '-----BEGIN s3cr3t-key' } },
      'tls.cert: Must be there, as `key` is.',
    ],
    [
      'no certificate',
      { ...least, tls: { ca: 'trust me' } },
      'tls.ca: Is no certificate: no start line.',
    ],
  ])('is told: %s', (_, input, fault) => {
    expect(findFaults(input)).toEqual([fault]);
  });

  test('is told of certificates that can not be read or used', () => {
    const { key, ca, good } = makeCertificates();
    expect(findFaults({ ...least, tls: { ca, cert: good, key } })).toEqual([]);
    const broken = good.replace(/^[^-\n]+$/gm, 'AAAA');
    expect(findFaults({ ...least, tls: { ca: broken } })).toEqual([
      expect.stringMatching(/^tls\.ca: Is no certificate: .+\.$/),
    ]);
    const [fault = '', ...more] = findFaults({ ...least, tls: { cert: ca, key } });
    expect(fault).toMatch(/^tls\.cert: Can't be used with `key`: .+\.$/);
    expect(more).toEqual([]);
    expect(fault).not.toContain(key.split('\n')[1]);
  });

  test('never has a secret of it', () => {
    const headers = { authorization: 's3cr3t-1\n', 'x y': 's3cr3t-2' };
    const faults = findFaults({
      ...least,
      url: 'https://s3cr3t-3:s3cr3t-4@a.example/?key=s3cr3t-5',
      headers,
      tls: { key: 's3cr3t-6' },
    });
    expect(faults.length).toBeGreaterThan(3);
    expect(faults.join()).not.toContain('s3cr3t-');
  });
});

describe('a change of a service', () => {
  const before = readServiceDefinition({
    ...least,
    headers: { authorization: 'Bearer s3cr3t-1' },
    intervalMs: 100,
    timeoutMs: 200,
    degradedAboveMs: 150,
    conditions: ['status == 200'],
  });

  test('that changes its host has to be told its secret headers again, which else whoever changes it would get', () => {
    const before = readServiceDefinition({ ...least, headers: { 'x-key': 's3cr3t-1' } });
    const url = 'https://elsewhere.example/';
    expect(findFaults({ url }, before)).toEqual([
      expect.stringContaining('headers: Write the headers again'),
    ]);
    expect(readServiceDefinition({ url, headers: { 'x-key': 's3cr3t-2' } }, before).url).toBe(url);
    expect(readServiceDefinition({ url, headers: null }, before).headers).toEqual({});
    expect(readServiceDefinition({ url: 'https://payments.example/' }, before).headers).toEqual({
      'x-key': 's3cr3t-1',
    });
    const harmless = readServiceDefinition({ ...least, headers: { accept: 'text/plain' } });
    expect(findFaults({ url }, harmless)).toEqual([]);
  });

  test('leaves what is left out, and takes away what is null', () => {
    expect(readServiceDefinition({}, before)).toEqual(before);
    const changes = {
      timeoutMs: 300,
      conditions: null,
      degradedAboveMs: undefined,
      intervalMs: null,
    };
    expect(readServiceDefinition(changes, before)).toEqual({
      ...before,
      timeoutMs: 300,
      conditions: [],
      intervalMs: 1_000,
    });
  });

  test('must leave a service that is right', () => {
    expect(findFaults({ timeoutMs: 100 }, before)).toEqual([
      'degradedAboveMs: Must be less than `timeoutMs`, which is 100.',
    ]);
    expect(findFaults({ name: 'other', url: null }, before)).toEqual([
      'url: Must be there.',
      'name: Can not be changed. Add a service of that name instead.',
    ]);
    expect(findFaults({ timoutMs: 100 }, before)).toEqual([
      'timoutMs: There is no such key. Did you mean `timeoutMs`?',
    ]);
    expect(findFaults(null, before)).toEqual(['input: Must be an object.']);
  });
});

describe('what is shown of a service', () => {
  test('has no header values, key or query in it that may be secret', () => {
    const { key, good } = makeCertificates();
    const definition = readServiceDefinition({
      ...least,
      url: 'https://a.example/x?api_key=s3cr3t-1&page=2',
      headers: { Authorization: 's3cr3t-2', 'X-Any': 's3cr3t-3', Accept: 'text/plain' },
      tls: { cert: good, key, serverName: 'b.example' },
    });
    const shown = maskDefinition(definition);
    expect(shown).toEqual({
      ...definition,
      url: 'https://a.example/x?api_key=***&page=2',
      headers: { Authorization: '***', 'X-Any': '***', Accept: 'text/plain' },
      tls: { cert: good, key: '***', serverName: 'b.example' },
    });
    expect(JSON.stringify(shown)).not.toContain('s3cr3t-');
  });

  test('has none of the secrets that are looked for in answers, which are long enough not to be there by chance', () => {
    const definition = readServiceDefinition({
      ...least,
      url: 'https://a.example/x;jsessionid=s3cr3t-1?page=s3cr3t-no&api%5Fkey=s3cr3t%2D2+%zz&token=s3cr3t%2F3+4&sig=short',
      headers: {
        Authorization: 'Bearer s3cr3t-5',
        'X-Any': 's3cr3t-6',
        Cookie: 'a=s3cr3t-7; b="s3cr3t%3A8"; c=short',
        Accept: 'text/s3cr3t-no',
      },
    });
    const secrets = listSecrets(definition);
    expect(new Set(secrets)).toEqual(
      new Set([
        ...['Bearer s3cr3t-5', 's3cr3t-5', 's3cr3t-6'],
        ...['a=s3cr3t-7; b="s3cr3t%3A8"; c=short', 's3cr3t-7', 's3cr3t%3A8', 's3cr3t:8'],
        ...['s3cr3t-1', 's3cr3t%2D2+%zz', 's3cr3t%2D2 %zz'],
        ...['s3cr3t%2F3+4', 's3cr3t/3+4', 's3cr3t/3 4'],
      ]),
    );
    const shown = JSON.stringify(maskDefinition(definition));
    expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
  });
});
