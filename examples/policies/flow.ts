import { defineFlow, retry } from 'millrace/engine';
import {
  alarm,
  average,
  check,
  display,
  guard,
  heartbeat,
  pair,
  pickHot,
  relay,
  report,
  upload,
} from './routines.ts';
import { policiesInput, sensors } from './sensors.ts';

/**
 * Every activation policy, every error strategy and every overflow policy in one flow.
 *
 * sensors ─ temperature ─▶ check ─▶ average ─▶ upload
 *    │                       ├────▶ heartbeat ────────▶ report
 *    │                       └────▶ pick-hot ─▶ alarm ───▲
 *    ├─ temperature, humidity ─▶ pair
 *    └─ humidity ─▶ guard, relays ─▶ displays
 */
export const policies = defineFlow(
  {
    id: 'policies',
    description:
      'Sensor readings, to show every activation policy, error strategy and overflow policy.',
    version: '1',
    input: policiesInput,
  },
  (f) => {
    const source = f.add('sensors', sensors);

    // Error strategies.
    const checked = f.add('check', check, { onError: 'continue' });
    const hot = f.add('pick-hot', pickHot, { onError: 'skip' });
    const uploaded = f.add('upload', upload, {
      onError: retry({ maxAttempts: 3, delayMs: 2, backoff: 'exponential', then: 'skip' }),
    });
    const guarded = f.add('guard', guard, { onError: 'stop' });

    // Activation policies: see each routine type.
    const averages = f.add('average', average);
    const beats = f.add('heartbeat', heartbeat);
    const pairs = f.add('pair', pair);
    const alarms = f.add('alarm', alarm);
    const summary = f.add('report', report);

    f.connect(source.events.temperature, checked.slots.reading);
    f.connect(checked.events.good, averages.slots.reading);
    f.connect(averages.events.average, uploaded.slots.average);
    f.connect(checked.events.good, beats.slots.reading);
    f.connect(beats.events.beat, summary.slots.beat);
    f.connect(checked.events.good, hot.slots.reading);
    f.connect(hot.events.hot, alarms.slots.hot);
    f.connect(alarms.events.alarm, summary.slots.alarm);
    f.connect(source.events.temperature, pairs.slots.temperature);
    f.connect(source.events.humidity, pairs.slots.humidity);
    f.connect(source.events.humidity, guarded.slots.reading);

    // Overflow policies: the same slow display four times. Each has a relay of its own, so that the one that makes
    // its producer wait does not slow the others down, and the one that refuses fails only its own relay.
    const displays = {
      block: f.add('display-all', display, { slots: { reading: { overflow: 'block' } } }),
      error: f.add('display-or-fail', display, { slots: { reading: { overflow: 'error' } } }),
      dropOldest: f.add('display-newest', display, {
        slots: { reading: { overflow: 'dropOldest' } },
      }),
      dropNewest: f.add('display-oldest', display, {
        slots: { reading: { overflow: 'dropNewest' } },
      }),
    };
    for (const slow of Object.values(displays)) {
      const own = f.add(`relay-to-${slow.id}`, relay, { onError: 'continue' });
      f.connect(source.events.humidity, own.slots.reading);
      f.connect(own.events.reading, slow.slots.reading);
    }

    return {
      uploaded: uploaded.events.uploaded,
      climate: pairs.events.climate,
      alarms: alarms.events.alarm,
      shownAll: displays.block.events.shown,
      shownOrFailed: displays.error.events.shown,
      shownNewest: displays.dropOldest.events.shown,
      shownOldest: displays.dropNewest.events.shown,
      report: summary.events.report,
    };
  },
);

export default policies;
