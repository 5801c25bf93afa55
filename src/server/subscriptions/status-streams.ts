import { latestValueChannel } from '../../lib/channel.ts';
import type { ConnectionInfo, ConnectionStatus } from '../server.ts';
import type { Heartbeat } from '../socket/heartbeat.ts';

interface OpenStream {
  readonly tell: () => void;
  readonly end: () => void;
}

export interface StatusStreamsOptions {
  readonly heartbeat: Heartbeat;
  readonly heartbeatMs: number;
  /** How long the client of a connection should stay away, in milliseconds: the same each time it is asked. */
  readonly comeBackAfterMs: (connection: ConnectionInfo) => number;
}

/** Tells those who watch their own connection how it is: at once, at every heartbeat, and when the server goes away. */
export class StatusStreams {
  readonly #options: StatusStreamsOptions;
  /** By what stands for the stream. */
  readonly #open = new Map<object, OpenStream>();
  #onEmpty: () => void = () => undefined;
  #isOver = false;

  constructor(options: StatusStreamsOptions) {
    this.#options = options;
  }

  /** Opens a stream for one who watches. A slow reader gets the newest message only. */
  open(connection: ConnectionInfo): AsyncIterableIterator<ConnectionStatus> {
    const key = {};
    const channel = latestValueChannel<ConnectionStatus>((sink) => {
      const tell = () => sink.push(this.#describe(connection));
      this.#open.set(key, { tell, end: sink.end });
      tell();
      if (this.#isOver) sink.end();
      const { heartbeat } = this.#options;
      const member = { beat: tell };
      const place = heartbeat.join(member);
      return () => heartbeat.leave(member, place);
    });
    const leave = () => {
      this.#open.delete(key);
      if (this.#open.size === 0) this.#onEmpty();
    };
    return {
      async next() {
        const result = await channel.next();
        if (result.done === true) leave();
        return result;
      },
      return() {
        leave();
        return channel.return();
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /**
   * Tells all that the server goes away, which ends their streams; and those who come from now on.
   * @returns is kept when all have read it, or left
   */
  end(): Promise<void> {
    this.#isOver = true;
    const streams = [...this.#open.values()];
    const isRead = new Promise<void>((keep) => {
      if (streams.length === 0) keep();
      else this.#onEmpty = keep;
    });
    for (const { tell, end } of streams) {
      tell();
      end();
    }
    return isRead;
  }

  #describe(connection: ConnectionInfo): ConnectionStatus {
    const { heartbeatMs, comeBackAfterMs } = this.#options;
    return {
      id: connection.id,
      status: this.#isOver ? 'DISCONNECTED' : 'CONNECTED',
      serverTime: Date.now(),
      heartbeatMs,
      comeBackAfterMs: this.#isOver ? comeBackAfterMs(connection) : undefined,
    };
  }
}
