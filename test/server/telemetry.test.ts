import { propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { expect, onTestFinished, test } from 'vitest';
import { openApp } from '../api/api.ts';
import { dial, subscribe } from './dial.ts';
import { serve, until } from './serve.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const SECRET = 's3cr3t-of-the-trace';

/** What a host sets up that wants traces: where spans go, and how they are continued over HTTP. */
function setUpTracer() {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  trace.setGlobalTracerProvider(provider);
  propagation.setGlobalPropagator({
    fields: () => ['traceparent'],
    inject: () => undefined,
    extract(context, carrier, getter) {
      const [, traceId, spanId] = String(getter.get(carrier, 'traceparent')).split('-');
      if (traceId === undefined || spanId === undefined) return context;
      return trace.setSpanContext(context, { traceId, spanId, traceFlags: 1, isRemote: true });
    },
  });
  onTestFinished(async () => {
    trace.disable();
    propagation.disable();
    await provider.shutdown();
  });
  return exporter;
}

test('O7: operations of all transports are spans, which continue the trace of the request', async () => {
  const exporter = setUpTracer();
  const { post, send, url } = await serve();
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const spanId = 'b7ad6b7169203331';
  const traceparent = `00-${traceId}-${spanId}-01`;
  const variables = { id: SECRET };
  const query = `query Find($id: String!) { maybe(id: $id) { id } } # ${SECRET}`;
  await post({ query, variables }, { ...JSON_TYPE, traceparent });
  const path = `/graphql?query=${encodeURIComponent('{ transport }')}`;
  await send({ headers: { 'x-millrace-csrf': '1' } }, path);
  await post({ query: 'mutation { rename(id: "x", title: "New") { __typename } }' });
  await post({ query: '{ list { broken } }' });
  const { begin, say, messages } = await dial(url);
  await begin();
  say(subscribe('a', 'subscription Ticking { ticks(count: 1) }'));
  await until(() => messages.some(({ type }) => type === 'complete'));

  const spans = exporter.getFinishedSpans();
  expect(spans.map(({ name }) => name)).toEqual([
    'graphql.query',
    'graphql.query',
    'graphql.mutation',
    'graphql.query',
    'graphql.subscription',
  ]);
  const [first, second, , failed, last] = spans;
  expect(first?.kind).toBe(SpanKind.SERVER);
  expect(first?.spanContext().traceId).toBe(traceId);
  expect(first?.parentSpanContext?.spanId).toBe(spanId);
  expect(first?.attributes).toEqual({
    'graphql.operation.type': 'query',
    'graphql.operation.name': 'Find',
    'http.route': '/graphql',
    'network.protocol.name': 'http',
  });
  expect(second?.parentSpanContext).toBeUndefined();
  expect(failed?.status).toEqual({ code: SpanStatusCode.ERROR });
  expect(failed?.attributes['error.type']).toBe('INTERNAL_SERVER_ERROR');
  expect(last?.attributes['network.protocol.name']).toBe('websocket');
  const told = JSON.stringify(spans.map(({ attributes, events }) => ({ attributes, events })));
  expect(told).not.toContain(SECRET);
  expect(told).not.toContain('password');
});

test('O7: where nobody has set up a tracer, none is asked', async () => {
  const exporter = setUpTracer();
  trace.disable();
  const { ask } = await serve();
  expect((await ask('{ transport }')).status).toBe(200);
  expect(exporter.getFinishedSpans()).toEqual([]);
});

test('O7: the span of an operation that failed has the code that its client was told', async () => {
  const exporter = setUpTracer();
  const app = await openApp({ flows: [] });
  const { url } = await app.listen({ port: 0 });
  const body = JSON.stringify({ query: '{ job(id: "Job:none") { id } }' });
  const response = await fetch(url, { method: 'POST', headers: JSON_TYPE, body });
  expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND' } }] });
  const [span] = exporter.getFinishedSpans();
  expect(span?.attributes['error.type']).toBe('NOT_FOUND');
});
