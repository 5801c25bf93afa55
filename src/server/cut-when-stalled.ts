import type { ServerResponse } from 'node:http';

/**
 * Cuts a stream whose reader takes nothing: what was written did not get away for one to two times so many milliseconds.
 * What is written in one piece, and the last that is, the HTTP server sees to.
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
