import type { CancelTimer, Clock } from '../lib/clock.ts';
import { NotFoundError } from '../lib/domain-error.ts';
import { createTurns } from '../lib/turns.ts';
import { isKeptWithin } from '../lib/within.ts';
import type { PubSub } from '../pubsub/memory-pubsub.ts';
import type { AlertChanged, Topics } from '../pubsub/topics.ts';
import type { Acknowledgement, Alert, AlertResolution } from './alert.ts';
import type { AlertStore } from './alert-store.ts';

/** What became of an alert. */
export interface AlertNews {
  readonly change: 'RAISED' | 'RESOLVED';
  readonly alert: Alert;
}

/** Is told of alerts as they are raised and resolved, and returns at once. What it throws is logged. */
export type AlertListener = (news: AlertNews) => void;

export interface AlertBookParts {
  readonly store: AlertStore;
  readonly pubsub: PubSub<Topics>;
  readonly clock: Clock;
  /** Told of what could not be stored, which is tried again, and of listeners that throw. */
  readonly onFailure: (error: unknown, what: string) => void;
}

/** Alerts are stored so long after they changed, with those that follow, in milliseconds. */
const WRITE_DELAY_MS = 100;
const RETRY_DELAY_MS = 1_000;

/** The turn that all take who store something. */
const WRITES = 'writes';

/** While the database can't be written so many changed alerts are remembered; then the oldest are given up. */
const MOST_UNSAVED = 10_000;

/**
 * The alerts that are open, and those that are not stored as they are now. What changes is announced at once and stored a
 * little later; who acknowledges waits until that is on disk. What is written of an alert is always all of it, as it is then.
 */
export class AlertBook {
  readonly #parts: AlertBookParts;
  readonly #open = new Map<string, Alert>();
  readonly #unsaved = new Map<string, Alert>();
  readonly #listeners = new Set<AlertListener>();
  /** One thing is stored at a time: of one alert nothing older follows what is newer. */
  readonly #turns = createTurns();
  #writing: Promise<boolean> | undefined;
  #cancelTimer: CancelTimer | undefined;
  #isClosed = false;

  constructor(parts: AlertBookParts) {
    this.#parts = parts;
  }

  get open(): Iterable<Alert> {
    return this.#open.values();
  }

  /** One that is open, or was changed just now. */
  get(id: string): Alert | undefined {
    return this.#open.get(id) ?? this.#unsaved.get(id);
  }

  /** Takes one that was open before the process began. */
  restore(alert: Alert): void {
    this.#open.set(alert.id, alert);
  }

  raise(alert: Alert): void {
    this.#open.set(alert.id, alert);
    this.#changed(alert);
    this.#tell(alert, 'RAISED');
  }

  /** An open one was seen to hold. That alone is not stored. */
  noteSeen(id: string, at: number): void {
    const alert = this.#open.get(id);
    if (alert !== undefined) this.#open.set(id, { ...alert, lastSeenAt: at });
  }

  resolve(id: string, at: number, resolution: AlertResolution): void {
    const alert = this.#open.get(id);
    if (alert === undefined) return;
    const resolved = { ...alert, resolvedAt: at, resolution };
    this.#open.delete(id);
    this.#changed(resolved);
    this.#tell(resolved, 'RESOLVED');
  }

  /**
   * Kept once it is on disk.
   * @throws NotFoundError, StorageUnavailableError; nothing was changed then
   */
  acknowledge(tenant: string, id: string, acknowledgement: Acknowledgement): Promise<Alert> {
    return this.#turns.take(WRITES, async () => {
      const alert = await this.#require(tenant, id);
      await this.#parts.store.putAlerts([{ ...alert, acknowledgement }]);
      const acknowledged = { ...(this.get(id) ?? alert), acknowledgement }; // it may be over by now
      if (this.#open.has(id)) this.#open.set(id, acknowledged);
      if (this.#unsaved.has(id)) this.#unsaved.set(id, acknowledged);
      this.#publish(acknowledged, 'ACKNOWLEDGED');
      return acknowledged;
    });
  }

  /** Tells of what is raised and resolved from now on, until the answer is called. */
  onAlert(listener: AlertListener): () => void {
    const own: AlertListener = (news) => listener(news);
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  /** Is kept when all that changed so far is stored, or could not be. */
  async flush(): Promise<void> {
    const isStored = await this.#writing;
    if (isStored !== false) await this.#write(); // else it would fail again
  }

  /** Stores what waits, within a limit, and takes no more. */
  async close(limitMs: number): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelTimer?.();
    await isKeptWithin(this.flush(), limitMs, this.#parts.clock);
    this.#listeners.clear();
  }

  #changed(alert: Alert): void {
    this.#unsaved.delete(alert.id);
    this.#unsaved.set(alert.id, alert);
    for (const id of this.#unsaved.keys()) {
      if (this.#unsaved.size <= MOST_UNSAVED) break;
      this.#unsaved.delete(id);
    }
    this.#plan(WRITE_DELAY_MS);
  }

  #plan(delayMs: number): void {
    if (this.#isClosed) return;
    this.#cancelTimer ??= this.#parts.clock.setTimer(delayMs, () => {
      this.#cancelTimer = undefined;
      void this.#write();
    });
  }

  /** Answers whether all that waited was stored. One at a time. Never fails. */
  #write(): Promise<boolean> {
    this.#writing ??= this.#turns
      .take(WRITES, () => this.#writeAll())
      .finally(() => {
        this.#writing = undefined;
      });
    return this.#writing;
  }

  async #writeAll(): Promise<boolean> {
    try {
      while (this.#unsaved.size > 0) {
        const alerts = [...this.#unsaved.values()];
        await this.#parts.store.putAlerts(alerts);
        for (const alert of alerts) {
          if (this.#unsaved.get(alert.id) === alert) this.#unsaved.delete(alert.id);
        }
      }
      return true;
    } catch (error) {
      this.#parts.onFailure(error, 'Alerts were not stored. That is tried again.');
      this.#plan(RETRY_DELAY_MS);
      return false;
    }
  }

  async #require(tenant: string, id: string): Promise<Alert> {
    const known = this.get(id);
    const alert = known ?? (await this.#parts.store.findAlerts(tenant, [id]))[0];
    if (alert === undefined || alert.tenant !== tenant) throw new NotFoundError('Alert', id);
    return alert;
  }

  #tell(alert: Alert, change: AlertNews['change']): void {
    this.#publish(alert, change);
    for (const listener of [...this.#listeners]) {
      try {
        listener({ change, alert });
      } catch (error) {
        this.#parts.onFailure(error, 'A listener of alerts failed.');
      }
    }
  }

  #publish({ id: alertId, tenant }: Alert, change: AlertChanged['change']): void {
    this.#parts.pubsub.publish('alertChanged', { tenant, alertId, change });
  }
}
