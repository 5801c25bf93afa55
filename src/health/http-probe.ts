import type { Dispatcher } from 'undici';
import type { CancelTimer, Clock } from '../lib/clock.ts';
import { type Conditions, compileConditions } from './conditions.ts';
import { LONGEST_DETAILS } from './details.ts';
import { createStatusCheck } from './expected-status.ts';
import {
  type Explained,
  explainFault,
  isClosedByPeer,
  NOT_ENDED,
  REQUEST_TIMEOUT,
} from './explain-failure.ts';
import type { HttpConnection, HttpPool, HttpPools, HttpRequest } from './http-pools.ts';
import type { Outcome, Probe } from './probe.ts';
import { SecretHider } from './secret-hider.ts';
import type { ServiceDefinition } from './service.ts';
import { listSecrets } from './service-definition.ts';

export interface HttpProbeParts {
  readonly pools: HttpPools;
  readonly clock: Clock;
}

/** So many bytes have at most as many characters as details may have, and the rest is not needed to know that they don't. */
const MOST_DETAIL_BYTES = 3 * LONGEST_DETAILS;

/**
 * Checks a service over HTTP. What a check found is told by the first of these that is wrong: the connection or the time,
 * the status, the size of the body, the conditions, and last the response time, which only makes it DEGRADED.
 *
 * @throws Error when the TLS options can't be used; `readServiceDefinition` refuses those
 */
export function createHttpProbe(definition: ServiceDefinition, parts: HttpProbeParts): Probe {
  const plan = createPlan(definition, parts);
  let current: HttpCheck | undefined;
  let isClosed = false;
  return {
    check: () =>
      new Promise((resolve) => {
        current = new HttpCheck(plan, resolve);
        if (isClosed) current.stop();
        else current.start();
      }),
    close: () => {
      if (isClosed) return;
      isClosed = true;
      current?.stop();
      plan.pool.leave();
    },
  };
}

/** All of a check that is the same each time. */
interface Plan {
  readonly clock: Clock;
  readonly pool: HttpPool;
  readonly host: string;
  readonly request: HttpRequest;
  readonly mayRepeat: boolean;
  readonly timeoutMs: number;
  readonly isExpected: (status: number) => boolean;
  readonly conditions: Conditions;
  readonly degradedAboveMs: number;
  readonly maxBodyBytes: number;
  /** Hides what it is sent that nobody is shown. */
  readonly hider: SecretHider;
}

function createPlan(definition: ServiceDefinition, { pools, clock }: HttpProbeParts): Plan {
  const { method, headers, tls, degradedAboveMs = Number.POSITIVE_INFINITY } = definition;
  const { timeoutMs, maxBodyBytes } = definition;
  const url = new URL(definition.url);
  const secrets = listSecrets(definition);
  const conditions = compileConditions(definition.conditions, secrets);
  const pool = pools.join(url.origin, tls);
  const named = Object.keys(headers).some((name) => name.toLowerCase() === 'user-agent');
  return {
    clock,
    pool,
    host: url.hostname,
    request: {
      path: `${url.pathname}${url.search}`,
      method,
      headers: named ? headers : { 'user-agent': 'millrace', ...headers },
      servername: pool.serverName,
    },
    mayRepeat: method !== 'POST',
    timeoutMs,
    isExpected: createStatusCheck(definition.expectedStatus),
    conditions,
    degradedAboveMs,
    maxBodyBytes,
    hider: new SecretHider(secrets),
  };
}

/**
 * One check, which settles once: by the end of the answer, a fault, its time limit, or since it is stopped. What undici tells
 * of it after that is not listened to. A connection goes back to the pool only when the answer ended as it should.
 */
class HttpCheck implements Dispatcher.DispatchHandler {
  readonly #plan: Plan;
  readonly #resolve: (outcome: Outcome) => void;
  readonly #startMs: number;
  readonly #connection: HttpConnection;
  #cancelTimer: CancelTimer | undefined;
  #lastCall: NodeJS.Immediate | undefined;
  #isSettled = false;
  #status: number | undefined;
  /** Whether the body is JSON, as far as its type, its beginning, or reading it have told. */
  #isJson = false;
  #isCompressed = false;
  /** Of the body, as far as it is needed: the first `#size` bytes count. */
  #body: Buffer | undefined;
  #size = 0;

  constructor(plan: Plan, resolve: (outcome: Outcome) => void) {
    this.#plan = plan;
    this.#resolve = resolve;
    this.#startMs = plan.clock.monotonicMs();
    this.#connection = plan.pool.take();
  }

  start(): void {
    const { clock, timeoutMs } = this.#plan;
    this.#cancelTimer = clock.setTimer(timeoutMs, () => {
      // When this process was held up the answer may have come in time: what has come is read first.
      this.#lastCall = setImmediate(() => this.#giveUp(REQUEST_TIMEOUT));
    });
    this.#connection.dispatch(this.#plan.request, this);
  }

  stop(): void {
    this.#giveUp(NOT_ENDED);
  }

  /** undici takes a handler for one of the present kind by this. */
  onRequestStart(): void {}

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    // The service only says that it goes on.
    if (status < 200) return;
    this.#status = status;
    const type = headers['content-type'];
    this.#isJson = typeof type === 'string' && /^[^;]*[/+]json\b/i.test(type);
    this.#isCompressed = (headers['content-encoding'] ?? 'identity') !== 'identity';
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isSettled) return;
    const { maxBodyBytes, conditions } = this.#plan;
    const size = this.#size + chunk.length;
    if (size > maxBodyBytes) {
      this.#giveUp(this.#judgeStatus() ?? tooLarge(maxBodyBytes));
      return;
    }
    if (this.#size === 0) {
      this.#isJson ||= looksLikeJson(chunk);
      if (this.#isJson || conditions.readsBody) this.#body = chunk;
    } else if (this.#body !== undefined) {
      const isNeeded = conditions.readsBody || size <= MOST_DETAIL_BYTES;
      this.#body = isNeeded ? append(this.#body, this.#size, chunk) : undefined;
    }
    this.#size = size;
  }

  onResponseEnd(): void {
    if (this.#isSettled) return;
    this.#connection.markAnswered();
    const responseTimeMs = this.#elapsedMs();
    const text = this.#readText();
    const wrong =
      this.#judgeStatus() ??
      this.#judgeConditions(text, responseTimeMs) ??
      judgeTime(responseTimeMs, this.#plan.degradedAboveMs);
    this.#settle(wrong, responseTimeMs, this.#isJson ? text : undefined);
    this.#plan.pool.giveBack(this.#connection);
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, fault: Error): void {
    if (this.#isSettled) return;
    const isUnanswered = this.#status === undefined && isClosedByPeer(fault);
    if (isUnanswered && this.#plan.mayRepeat && this.#connection.isReused) {
      // The other side closed it while nobody used it, most likely. This goes over a new one, which is not reused.
      this.#connection.dispatch(this.#plan.request, this);
    } else this.#giveUp(explainFault(fault, this.#plan.host));
  }

  #giveUp(why: Explained): void {
    if (this.#isSettled) return;
    this.#settle(why, this.#elapsedMs(), undefined);
    this.#connection.drop();
    this.#plan.pool.giveBack(this.#connection);
  }

  #settle(wrong: Explained | undefined, responseTimeMs: number, text: string | undefined): void {
    this.#isSettled = true;
    this.#cancelTimer?.();
    clearImmediate(this.#lastCall);
    this.#body = undefined;
    this.#resolve({
      status: wrong === undefined ? 'HEALTHY' : wrong.failure === 'SLOW' ? 'DEGRADED' : 'UNHEALTHY',
      responseTimeMs,
      httpStatus: this.#status,
      failure: wrong?.failure,
      error: wrong?.error,
      details: text === undefined ? undefined : this.#writeDetails(text),
    });
  }

  #writeDetails(text: string): string | undefined {
    if (text.length > LONGEST_DETAILS) return undefined;
    const details = this.#plan.hider.inJson(text);
    // Numbers may have become longer: 1e20.
    return details.length > LONGEST_DETAILS ? undefined : details;
  }

  #elapsedMs(): number {
    return this.#plan.clock.monotonicMs() - this.#startMs;
  }

  #judgeStatus(): Explained | undefined {
    const status = this.#status ?? 0;
    if (this.#plan.isExpected(status)) return undefined;
    return { failure: 'HTTP_STATUS', error: `HTTP ${status}` };
  }

  #readText(): string | undefined {
    const text = this.#body?.toString('utf8', 0, this.#size);
    if (text === undefined) return undefined;
    return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
  }

  #judgeConditions(text: string | undefined, responseTimeMs: number): Explained | undefined {
    const { conditions } = this.#plan;
    if (conditions.count === 0) return undefined;
    let body: unknown;
    if (conditions.readsBody && text !== undefined) {
      try {
        body = JSON.parse(text);
        this.#isJson = true;
      } catch {
        this.#isJson = false;
        const why = this.#isCompressed ? ', since it is compressed' : '';
        return { failure: 'NOT_JSON', error: `Body is not JSON${why}` };
      }
    }
    const error = conditions.findFailures({ body, status: this.#status ?? 0, responseTimeMs });
    return error === undefined ? undefined : { failure: 'CONDITION', error };
  }
}

/** Adds to the first `size` bytes. The room doubles, so that a body in a million pieces costs little more than one in two. */
function append(body: Buffer, size: number, chunk: Buffer): Buffer {
  const room = size + chunk.length;
  const into = body.length < room ? Buffer.allocUnsafeSlow(2 * room) : body;
  if (into !== body) body.copy(into, 0, 0, size);
  chunk.copy(into, size);
  return into;
}

const BYTE_ORDER_MARK = 0xfeff;

function tooLarge(bytes: number): Explained {
  return { failure: 'BODY_TOO_LARGE', error: `Body is larger than ${bytes} bytes` };
}

function judgeTime(responseTimeMs: number, degradedAboveMs: number): Explained | undefined {
  if (responseTimeMs <= degradedAboveMs) return undefined;
  // Rounded up, so that it is more than the limit in the text as well.
  const error = `Answered in ${Math.ceil(responseTimeMs)} ms, more than ${degradedAboveMs} ms`;
  return { failure: 'SLOW', error };
}

/** Whether it begins with an object or a list, after white space. */
function looksLikeJson(chunk: Buffer): boolean {
  for (const byte of chunk) {
    if (byte === 0x7b || byte === 0x5b) return true;
    if (byte > 0x20) return false;
  }
  return false;
}
