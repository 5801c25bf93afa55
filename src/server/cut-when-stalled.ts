import type { ServerResponse } from 'node:http';

/**
 * Cuts a response that is a stream of events and whose reader takes nothing: what was written did not get away for one to
 * two times so many milliseconds. Other responses may take as long as they like: they end.
 */
export function cutWhenStalled(response: ServerResponse, stalledMs: number): void {
  let wasStuck = false;
  const check = setInterval(() => {
    if (wasStuck) response.destroy();
    const isEvents = String(response.getHeader('content-type')).startsWith('text/event-stream');
    wasStuck = isEvents && response.writableNeedDrain;
  }, stalledMs);
  check.unref();
  response.on('drain', () => {
    wasStuck = false;
  });
  response.once('close', () => clearInterval(check));
}
