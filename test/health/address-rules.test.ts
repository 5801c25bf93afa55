import type { LookupFunction } from 'node:net';
import { describe, expect, test } from 'vitest';
import {
  AddressDeniedError,
  type AddressLists,
  createAddressRules,
} from '../../src/health/address-rules.ts';
import { ValidationError } from '../../src/lib/domain-error.ts';

/** What the rules answer for a name that stands for some addresses. */
function lookUp(name: string, addresses: readonly string[], lists: AddressLists = {}, all = true) {
  const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  const resolve: LookupFunction = (_, __, done) => done(null, found);
  const { lookup } = createAddressRules(lists, resolve);
  return new Promise<unknown>((keep) => {
    lookup(name, { all }, (error, answer, family) => {
      if (error !== null) keep(error);
      else if (typeof answer === 'string') keep([answer, family]);
      else keep(answer.map(({ address }) => address));
    });
  });
}

describe('without lists', () => {
  const rules = createAddressRules();

  test.each([
    ['169.254.169.254', 'cloud metadata'],
    ['100.100.100.200', 'cloud metadata'],
    ['192.0.0.192', 'cloud metadata'],
    ['168.63.129.16', 'cloud metadata'],
    ['fd00:ec2::254', 'cloud metadata'],
    ['[FD00:0EC2:0::254]', 'cloud metadata'],
    ['169.254.7.7', 'link-local'],
    ['fe80::1', 'link-local'],
    ['febf::1', 'link-local'],
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['::', 'unspecified'],
    ['224.0.0.1', 'multicast'],
    ['ff02::1', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['::ffff:169.254.169.254', 'cloud metadata'],
    ['::ffff:a9fe:a9fe', 'cloud metadata'],
    ['::ffff:0:169.254.169.254', 'cloud metadata'],
    ['::169.254.169.254', 'cloud metadata'],
    ['64:ff9b::169.254.169.254', 'cloud metadata'],
    ['64:ff9b:1::169.254.169.254', 'cloud metadata'],
    ['64:ff9b:1:a9fe:a9:fe00::', 'cloud metadata'],
    ['2002:a9fe:a9fe::1', 'cloud metadata'],
    ['2001:0:a9fe:a9fe::1', 'cloud metadata'],
    ['2001:0:808:808:0:0:5601:5601', 'cloud metadata'],
    ['fc00::5efe:169.254.169.254', 'cloud metadata'],
    ['fc00::200:5efe:a9fe:a9fe', 'cloud metadata'],
  ])('%s is denied: %s', (host, what) => {
    expect(rules.check(host)).toBe(`${host.replace(/[[\]]/g, '').toLowerCase()} (${what})`);
  });

  test.each([
    ...['127.0.0.1', '::1', '10.1.2.3', '192.168.0.1', '8.8.8.8', '100.100.100.201'],
    ...[
      '2606:4700::1',
      'fd12::1',
      '64:ff9b::8.8.8.8',
      '64:ff9b:1::8.8.8.8',
      '2002:808:808::1',
      '::ffff:127.0.0.1',
    ],
    ...['example.com', 'localhost', 'metadata.google.internal'],
  ])('%s is open', (host) => {
    expect(rules.check(host)).toBeUndefined();
  });
});

describe('lists', () => {
  test('allow only what is on them, and deny what is on both', () => {
    const { check } = createAddressRules({
      allow: ['10.0.0.0/8', 'fd12::/16', 'api.example', '*.Example.com.'],
      deny: ['10.6.0.0/16', 'bad.example.com', '*.worse.example.com'],
    });
    expect(check('10.1.1.1')).toBeUndefined();
    expect(check('::ffff:10.1.1.1')).toBeUndefined();
    expect(check('fd12::7')).toBeUndefined();
    expect(check('10.6.1.1')).toBe('10.6.1.1 (on the deny list)');
    expect(check('::ffff:10.6.1.1')).toBe('::ffff:10.6.1.1 (on the deny list)');
    expect(check('64:ff9b::10.6.1.1')).toBe('64:ff9b::10.6.1.1 (on the deny list)');
    expect(check('64:ff9b::10.1.1.1')).toBeUndefined();
    // Anybody can write an allowed IPv4 address into an IPv6 one of theirs.
    for (const own of ['2001:db8::5efe:10.1.1.1', '2002:a01:101::1', '2001:0:a01:101::1:1:1']) {
      expect(check(own)).toBe(`${own} (not on the allow list)`);
    }
    expect(check('11.1.1.1')).toBe('11.1.1.1 (not on the allow list)');
    expect(check('a.example.com')).toBeUndefined();
    expect(check('bad.example.com')).toBe('bad.example.com (on the deny list)');
    expect(check('BAD.example.com.')).toBe('bad.example.com (on the deny list)');
    expect(check('very.worse.example.com')).toBe('very.worse.example.com (on the deny list)');
  });

  test('hold for the addresses that a name stands for', async () => {
    const lists = { allow: ['10.0.0.0/8', '*.example.com'], deny: ['10.6.0.0/16'] };
    expect(await lookUp('other.test', ['10.1.1.1'], lists)).toEqual(['10.1.1.1']);
    expect(await lookUp('a.example.com', ['8.8.8.8'], lists)).toEqual(['8.8.8.8']);
    expect(await lookUp('other.test', ['8.8.8.8', '10.1.1.1'], lists)).toEqual(['10.1.1.1']);
    expect(await lookUp('other.test', ['8.8.8.8'], lists)).toEqual(
      new AddressDeniedError('other.test (8.8.8.8, not on the allow list)'),
    );
    expect(await lookUp('a.example.com', ['10.6.0.1'], lists)).toEqual(
      new AddressDeniedError('a.example.com (10.6.0.1, on the deny list)'),
    );
  });

  test('with only names keep out other names before their addresses are looked for', () => {
    const { check } = createAddressRules({ allow: ['*.example.com'] });
    expect(check('example.com')).toBe('example.com (not on the allow list)');
    expect(check('notexample.com')).toBe('notexample.com (not on the allow list)');
    expect(check('127.0.0.1')).toBe('127.0.0.1 (not on the allow list)');
  });

  test('open what is denied by default by its network, not by the name of a host', async () => {
    expect(
      createAddressRules({ allow: ['169.254.0.0/16'] }).check('169.254.169.254'),
    ).toBeUndefined();
    expect(createAddressRules({ allow: ['fe80::/10'] }).check('fe80::1')).toBeUndefined();
    expect(await lookUp('a.test', ['169.254.169.254'], { allow: ['a.test'] })).toEqual(
      new AddressDeniedError('a.test (169.254.169.254, cloud metadata)'),
    );
  });

  test('may be empty: then nothing is allowed, or nothing denied', () => {
    expect(createAddressRules({ allow: [] }).check('8.8.8.8')).toBe(
      '8.8.8.8 (not on the allow list)',
    );
    expect(createAddressRules({ deny: [] }).check('8.8.8.8')).toBeUndefined();
  });

  test('are refused with every entry that is none', () => {
    const bad = [
      '10.0.0.0/33',
      '10.0.0',
      '10.0.0.0/8/8',
      'a b',
      '*',
      'a.*.b',
      'http://a',
      '::/129',
      '',
      '-a',
      'fe80::1%eth0',
    ];
    const make = () => createAddressRules({ allow: ['a.test', ...bad], deny: ['1.2.3.4.5'] });
    expect(make).toThrow(ValidationError);
    try {
      make();
    } catch (thrown) {
      const { issues } = thrown as ValidationError;
      const places = issues.map(({ path }) => path.join('.'));
      expect(places).toEqual([...bad.map((_, at) => `allow.${at + 1}`), 'deny.0']);
    }
  });
});

describe('a look-up', () => {
  test('answers one address where one is asked for', async () => {
    expect(await lookUp('a.test', ['169.254.1.1', '8.8.8.8'], {}, false)).toEqual(['8.8.8.8', 4]);
    expect(await lookUp('a.test', ['2606:4700::1'], {}, false)).toEqual(['2606:4700::1', 6]);
  });

  test('of the same name at the same time is one, and answered to all who asked', () => {
    const asked: (() => void)[] = [];
    const { lookup } = createAddressRules({}, (_, __, done) => {
      asked.push(() => done(null, [{ address: '192.0.2.1', family: 4 }]));
    });
    const found: unknown[] = [];
    const ask = (host: string) =>
      lookup(host, { all: true }, (error, addresses) => found.push(error ?? addresses));
    for (const host of ['a.example', 'a.example', 'b.example']) ask(host);
    expect(asked).toHaveLength(2);
    for (const answer of asked) answer();
    expect(found).toHaveLength(3);
    ask('a.example');
    expect(asked).toHaveLength(3);
  });

  test('of a name that has no address is denied, and its faults are handed on', async () => {
    expect(await lookUp('a.test', [])).toBeInstanceOf(AddressDeniedError);
    const fault = new Error('getaddrinfo ENOTFOUND');
    const { lookup } = createAddressRules({}, (_, __, done) => done(fault, []));
    const told = await new Promise((keep) => lookup('a.test', { all: true }, keep));
    expect(told).toBe(fault);
  });

  test('finds what the machine knows', async () => {
    const { lookup } = createAddressRules();
    const found = await new Promise((keep) =>
      lookup('localhost', { all: true }, (_, addresses) => keep(addresses)),
    );
    expect(found).toContainEqual({
      address: expect.stringMatching(/^(127\.|::1$)/),
      family: expect.any(Number),
    });
  });
});
