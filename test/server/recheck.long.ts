import { expect, onTestFinished, test } from 'vitest';
import { ANYBODY } from '../../src/lib/identity.ts';
import { Admission } from '../../src/server/identity/admission.ts';
import { Heartbeat } from '../../src/server/socket/heartbeat.ts';

test('O5 who can not be found out about in time is asked about again, and ended when it turns out', async () => {
  const heartbeat = new Heartbeat(50);
  onTestFinished(() => heartbeat.close());
  let asked = 0;
  const recheck = async () => {
    asked++;
    if (asked === 1) await new Promise(() => undefined); // whoever is asked never answers
    return false;
  };
  const problem = await new Promise<string>((resolve) => {
    new Admission({ ...ANYBODY, recheck }, heartbeat, resolve);
  });
  expect([problem, asked]).toEqual(['Token revoked', 2]);
});
