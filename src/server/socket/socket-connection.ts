import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Connections } from '../connections.ts';
import type { ClientConnection } from '../identity/client-connection.ts';
import { clientName, type GiveBack } from '../identity/clients.ts';
import type { ServerLimits } from '../limits.ts';
import { CLOSE_CODES, fitReason } from './close-codes.ts';
import type { Beating } from './heartbeat.ts';
import { OperationIds } from './operation-ids.ts';
import { SocketWriter } from './socket-writer.ts';

/** A client that was refused more than so many times its operations in a row is closed. */
const REFUSED_PER_OPERATION = 10;

/** A client that says so often between two heartbeats what asks for nothing, such as pings, is closed. */
const MOST_CHATTER = 1000;

/**
 * One WebSocket, from its opening to its close: what goes on on it, and whether its client is still there. At each heartbeat it
 * is
 *
 * - cut, if the client has not answered the ping of the heartbeat before, unless it is held up,
 * - closed, if there was no operation for `idleMs`,
 * - else sent a ping.
 */
export class SocketConnection implements Beating {
  readonly client: ClientConnection;
  readonly writer: SocketWriter;
  readonly ids = new OperationIds();
  readonly #socket: WebSocket;
  readonly #limits: ServerLimits;
  readonly #connections: Connections;
  /** In the heartbeat. */
  readonly #place: number;
  readonly #openedMs = performance.now();
  /** Of what its client may have. */
  #giveBack: GiveBack;
  #stopListening: () => void = () => undefined;
  #chatter = 0;
  #operations = 0;
  /** Refused since one was served. */
  #refused = 0;
  #idleSinceMs = performance.now();
  #isSilent = false;
  #isHeldUp = false;
  /** What the server closes it for, if it does. */
  #reason: 'idleTotal' | 'deadTotal' | 'tooSlowTotal' | undefined;

  constructor(
    socket: WebSocket,
    connection: Socket,
    client: ClientConnection,
    parts: {
      readonly connections: Connections;
      readonly limits: ServerLimits;
      /** What was taken for it when it was opened. */
      readonly giveBack: GiveBack;
    },
  ) {
    const { connections, limits, giveBack } = parts;
    const { counters, heartbeat } = connections;
    this.#socket = socket;
    this.client = client;
    this.#limits = limits;
    this.#connections = connections;
    this.#giveBack = giveBack;
    this.writer = new SocketWriter(socket, connection, {
      stallMs: limits.stallMs,
      onStalled: () => this.#closeSlow(),
    });
    counters.webSockets++;
    counters.openedTotal++;
    this.#place = heartbeat.join(this);
    socket.on('pong', () => {
      this.#isSilent = false;
      this.chatter();
    });
    socket.on('ping', () => {
      this.holdUp(); // `ws` answers it
      this.chatter();
    });
  }

  /** The socket is closed. To be called once. */
  closed(): void {
    const { counters, heartbeat } = this.#connections;
    counters.webSockets--;
    counters.closedTotal++;
    if (this.#reason !== undefined) counters[this.#reason]++;
    heartbeat.leave(this, this.#place);
    this.#stopListening();
    this.#giveBack();
    this.writer.close();
  }

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  /** How long its client may take from now on until it is let in, in milliseconds. */
  get initLeftMs(): number {
    return Math.max(0, this.#openedMs + this.#limits.initTimeoutMs - performance.now());
  }

  /**
   * Who its client is, is known now: it counts as that one's, and is closed when that does not hold any more.
   * @returns whether that client may have another socket
   */
  admit(): boolean {
    this.#giveBack();
    const giveBack = this.#connections.clients.takeSocket(clientName(this.client));
    if (giveBack === undefined) return false;
    this.#giveBack = giveBack;
    this.#stopListening = this.client.onExpelled((problem) =>
      this.close(CLOSE_CODES.forbidden, problem),
    );
    return true;
  }

  /** The client said something that asks for nothing, such as a ping. Who goes on and on is closed. */
  chatter(): void {
    this.#chatter++;
    if (this.#chatter <= MOST_CHATTER || !this.isOpen) return;
    this.close(CLOSE_CODES.floods, 'Too many messages that ask for nothing');
  }

  /**
   * Begins an operation, unless as many go on as may.
   * @returns to be called once, when it is over
   */
  begin(): (() => void) | undefined {
    if (this.#operations >= this.#limits.maxOperationsPerSocket) return undefined;
    const { counters } = this.#connections;
    this.#chatter--; // its client may say that it is over, when it is
    this.#operations++;
    counters.operations++;
    return () => {
      this.#operations--;
      counters.operations--;
      this.#idleSinceMs = performance.now();
    };
  }

  /** An operation was not refused for there being too many. */
  served(): void {
    this.#refused = 0;
  }

  /** An operation was refused for there being too many. Who goes on asking all the same is closed. */
  refused(): void {
    this.#refused++;
    if (this.#refused <= REFUSED_PER_OPERATION * this.#limits.maxOperationsPerSocket) return;
    this.close(CLOSE_CODES.floods, 'Too many operations that were refused');
  }

  /**
   * To be called when something was sent that the client asked for. As long as it does not take what it asked for, no more
   * is read of it: else it could have answers pile up without end.
   */
  holdUp(): void {
    if (this.#isHeldUp || this.writer.load !== 'BEHIND') return;
    this.#isHeldUp = true;
    this.#socket.pause();
    void this.writer.freed().then(() => {
      this.#isHeldUp = false;
      this.#socket.resume();
    });
  }

  /** Reads no more for now. */
  pause(): void {
    this.#socket.pause();
  }

  /** Reads again, unless it is held up. */
  readOn(): void {
    if (!this.#isHeldUp) this.#socket.resume();
  }

  /** Closes it in the way of the protocol. Of a reason that is too long the end is left out. */
  close(code: number, reason: string): void {
    this.#socket.close(code, fitReason(reason));
  }

  /** Closes it since the server goes away, and says when to come back. */
  goAway(): void {
    const delayMs = this.#connections.comeBackAfterMs(this.client);
    this.close(CLOSE_CODES.goingAway, `Going away, retry in ${delayMs} ms`);
  }

  /** Once a heartbeat. */
  beat(): void {
    this.#chatter = 0;
    if (this.#isSilent && !this.#isHeldUp) {
      this.#reason ??= 'deadTotal';
      this.#socket.terminate();
      return;
    }
    const idleMs = this.#operations > 0 ? 0 : performance.now() - this.#idleSinceMs;
    if (this.isOpen && idleMs >= this.#limits.idleMs) {
      this.#reason ??= 'idleTotal';
      this.close(CLOSE_CODES.idle, 'Idle');
    }
    this.#isSilent = true;
    this.#socket.ping();
  }

  #closeSlow(): void {
    if (!this.isOpen) {
      this.#socket.terminate();
      return;
    }
    this.#reason ??= 'tooSlowTotal';
    this.close(CLOSE_CODES.tooSlow, 'Nothing was read for too long');
  }
}
