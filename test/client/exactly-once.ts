import { expect } from 'vitest';
import { ClientEventsAfterDocument } from '../generated/operations.ts';
import { until } from '../support/manual-clock.ts';
import { openPlace, presentCursor } from './place.ts';

/**
 * Makes events, cuts the client's connection again and again while they come, and expects that the client sees each event
 * once, in order, and nothing else.
 * @param mostAhead how many events may have been made that the client has not seen
 */
export async function expectExactlyOnce(
  events: number,
  cuts: number,
  mostAhead: number,
): Promise<void> {
  const place = await openPlace();
  const { client, network, jobId } = place;
  const from = await presentCursor(place);
  const stream = client.subscribe(ClientEventsAfterDocument, { id: jobId, from });
  let made = 0;
  let done = 0;
  for (let seen = 0; seen < events; seen++) {
    const wanted = Math.min(events, seen + mostAhead);
    place.log(made, wanted - made);
    made = wanted;
    const { value } = await stream.next();
    if (value?.happened.message !== String(seen)) {
      expect(value).toMatchObject({ happened: { message: String(seen) } });
    }
    // Some are left for after the last cut. A client that has much to read yet may have no connection.
    if (done < cuts && seen >= ((done + 1) * events * 0.8) / cuts) {
      await until(() => network.open > 0 || client.status === 'DISCONNECTED');
      if (network.cut(done % 2 === 0 ? 'RST' : 'FIN') > 0) done++;
    }
  }
  expect(done).toBe(cuts);
  expect(network.made).toBeGreaterThan(cuts);
  place.log(events, 1);
  expect((await stream.next()).value).toMatchObject({ happened: { message: String(events) } });
}
