import type { ServerResponse } from 'node:http';

/**
 * Cuts a stream whose reader takes nothing: what was written did not get away for one to two times so many milliseconds.
 * Other responses, which are written in one piece, may take as long as they like.
 */
export function cutWhenStalled(response: ServerResponse, stallMs: number): void {
  let wasStuck = false;
  const check = setInterval(() => {
    if (wasStuck) response.destroy();
    wasStuck = response.writableNeedDrain && !response.writableEnded;
  }, stallMs);
  check.unref();
  response.on('drain', () => {
    wasStuck = false;
  });
  response.once('close', () => clearInterval(check));
}
