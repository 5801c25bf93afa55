import { mapChannel, queueChannel } from '../lib/channel.ts';
import type { Connection, OperationResult } from './connection.ts';
import { OperationError } from './errors.ts';
import { CURSOR_KEY, FELL_BEHIND, type ResumableDocument, TYPE_KEY } from './resume-document.ts';

/** A subscription as it is sent. */
export interface StreamRequest {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  /** Where cursors are found and go, when it is a stream of events. */
  readonly resume: Omit<ResumableDocument, 'document'> | undefined;
}

/** What a reader takes: the data of a message, or what ended the stream. */
type Message<Data> = { readonly data: Data } | { readonly error: Error };

/** The most messages that wait for their reader. Then the server is left until they are read. */
const MOST_UNREAD = 10_000;

/**
 * A subscription that outlives its connections: a stream of events goes on after the newest one that came, all others
 * begin anew. It is subscribed to at once; a stream of events when it is known where it begins.
 */
export function openStream<Data>(
  connection: Connection,
  { query, variables: given, resume }: StreamRequest,
): AsyncIterableIterator<Data> {
  /** The transport writes them down when it sends: the cursor in them is always the newest. */
  const variables: Record<string, unknown> = { ...given };
  if (resume !== undefined && variables[resume.variable] === undefined) {
    variables[resume.variable] = resume.after;
  }
  let unread = 0;
  let isHeldBack = false;
  let hasEnded = false;
  let begin: () => void = () => undefined;

  const messages = queueChannel<Message<Data>>((sink) => {
    let leave: () => void = () => undefined;
    begin = () => {
      leave = connection.start(
        { query, variables },
        {
          next(result) {
            const message = readMessage<Data>(result);
            if ('data' in message && resume !== undefined) {
              const { cursor, type } = takeMarks(message.data, resume.field);
              if (cursor !== undefined) variables[resume.variable] = cursor;
              if (type === FELL_BEHIND) {
                const leaveOld = leave;
                begin(); // first, so that the connection stays
                leaveOld();
                return;
              }
            }
            sink.push(message);
            unread++;
            if ('error' in message) sink.end();
            else if (unread === MOST_UNREAD) {
              isHeldBack = true;
              leave();
            }
          },
          error(error) {
            sink.push({ error });
            sink.end();
          },
          complete: () => sink.end(),
        },
      );
    };
    if (resume === undefined || typeof variables[resume.variable] === 'string') begin();
    else {
      const beginInstead = () => {
        const leaveQuery = leave;
        begin(); // first, so that the connection stays
        leaveQuery();
      };
      leave = connection.start(
        { query: resume.cursorQuery },
        {
          next({ data }) {
            const { cursor } = data ?? {};
            variables[resume.variable] ??= cursor;
            beginInstead();
          },
          error: beginInstead, // it will be told what is wrong, if it is more than this
          complete: () => sink.end(),
        },
      );
    }
    return () => {
      hasEnded = true;
      leave();
    };
  });

  return mapChannel(messages, (message) => {
    unread--;
    if ('error' in message) throw message.error;
    if (isHeldBack && unread === 0 && !hasEnded) {
      isHeldBack = false;
      begin();
    }
    return message.data;
  });
}

/** The data of an answer, or its errors. */
export function readMessage<Data>({ data, errors }: OperationResult): Message<Data> {
  if (errors !== undefined && errors.length > 0) return { error: new OperationError(errors, data) };
  if (data === undefined || data === null) return { error: new OperationError([]) };
  return { data: data as Data }; // as the document says
}

/** Takes out of the data what the document did not ask for. */
function takeMarks(data: unknown, field: string): { cursor?: string; type?: string } {
  const event = (data as Record<string, unknown>)[field]; // it is an object
  if (typeof event !== 'object' || event === null) return {};
  const marked = event as { [CURSOR_KEY]?: string; [TYPE_KEY]?: string }; // selected with it
  const { [CURSOR_KEY]: cursor, [TYPE_KEY]: type } = marked;
  delete marked[CURSOR_KEY];
  delete marked[TYPE_KEY];
  return { ...(cursor === undefined ? {} : { cursor }), ...(type === undefined ? {} : { type }) };
}
