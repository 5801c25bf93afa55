import { describe, expect, it, test } from 'vitest';
import { decideAuthMode } from '../../src/auth/auth-mode.ts';

const NOTHING = { hasKeys: false, hasJwt: false, hasHook: false, isInsecure: false };
const LOOPBACK = [
  '127.0.0.1',
  '127.8.8.8',
  '::1',
  '[::1]',
  'localhost',
  'LocalHost',
  '::ffff:127.0.0.1',
];
const OPEN = [
  '0.0.0.0',
  '::',
  '',
  '10.0.0.1',
  '::ffff:10.0.0.1',
  'jobs.example',
  '127.0.0.1.example',
  'localhost.example',
];

// O5
describe.each(LOOPBACK)('O5 on %s', (host) => {
  it('nobody has to prove who they are while there is no way to', () => {
    expect(decideAuthMode({ ...NOTHING, host })).toBe('OFF');
    expect(decideAuthMode({ ...NOTHING, host, isInsecure: true })).toBe('OFF');
  });

  it.each(['hasKeys', 'hasJwt', 'hasHook'])('everybody has to with %s', (way) => {
    expect(decideAuthMode({ ...NOTHING, host, [way]: true })).toBe('ON');
  });
});

describe.each(OPEN)('O5 on "%s"', (host) => {
  it('no server starts while there is no way to prove who one is', () => {
    const decide = () => decideAuthMode({ ...NOTHING, host });
    expect(decide).toThrow(`On "${host}" others than this machine can reach the server`);
    expect(decide).toThrow('millrace keys create');
    expect(decide).toThrow('--insecure-no-auth');
  });

  it('it starts when it was asked for', () => {
    expect(decideAuthMode({ ...NOTHING, host, isInsecure: true })).toBe('OFF');
  });

  it.each(['hasKeys', 'hasJwt', 'hasHook'])('everybody has to with %s', (way) => {
    expect(decideAuthMode({ ...NOTHING, host, [way]: true })).toBe('ON');
  });
});

test.each(['hasKeys', 'hasJwt', 'hasHook'])(
  'O5 %s and --insecure-no-auth contradict each other',
  (way) => {
    const decide = () =>
      decideAuthMode({ ...NOTHING, host: '127.0.0.1', [way]: true, isInsecure: true });
    expect(decide).toThrow('Leave');
    expect(decide).toThrow(expect.objectContaining({ code: 'OPEN_SERVER' }));
  },
);
