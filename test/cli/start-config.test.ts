import { describe, expect, test } from 'vitest';
import { readStartConfig } from '../../src/cli/start-config.ts';

describe('O2 evaluation of expressions', () => {
  test('is off unless it is put on, by the option or the environment', () => {
    const isOn = (option?: string, variable?: string) =>
      readStartConfig({ evaluation: option }, { MILLRACE_EVALUATION: variable }).isEvaluationOn;
    expect(isOn()).toBe(false);
    expect(isOn(undefined, 'on')).toBe(true);
    expect(isOn('off', 'on')).toBe(false);
    expect(isOn('on', 'off')).toBe(true);
  });

  test('anything else is refused', () => {
    expect(() => readStartConfig({}, { MILLRACE_EVALUATION: 'yes' })).toThrow(
      'MILLRACE_EVALUATION is "yes" and must be on or off.',
    );
  });
});
