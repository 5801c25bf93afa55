import { setFlagsFromString } from 'node:v8';

/**
 * Keeps the memory for young objects as small as it is, until the answer is called. Loading modules makes much garbage
 * at once, for which V8 would take some 30 MB and never give them back; what comes later grows as it needs to.
 */
export function holdYoungMemory(): () => void {
  // V8 reads it whenever it thinks of growing. 2 is its own default.
  setFlagsFromString('--semi-space-growth-factor=1');
  return () => setFlagsFromString('--semi-space-growth-factor=2');
}
