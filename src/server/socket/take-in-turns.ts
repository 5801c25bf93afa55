/** So many messages of one socket are taken in a turn of the event loop. */
const MOST_AT_ONCE = 20;

/** What messages are read from. */
interface Source {
  pause(): void;
  readOn(): void;
}

/**
 * Hands messages over in the order they come, but of thousands that come at once only some in each turn of the event loop, so
 * that one client that sends them keeps nobody else waiting. Meanwhile no more is read.
 */
export function takeInTurns<Message extends readonly unknown[]>(
  source: Source,
  handle: (...message: Message) => void,
): (...message: Message) => void {
  let waiting: Message[] = [];
  let taken = 0;
  const nextTurn = () => {
    taken = 0;
    const messages = waiting;
    waiting = [];
    for (const message of messages) take(...message);
    if (waiting.length === 0 && messages.length > 0) source.readOn();
  };
  const take = (...message: Message) => {
    if (taken === 0) setImmediate(nextTurn);
    if (taken < MOST_AT_ONCE) {
      taken++;
      handle(...message);
      return;
    }
    if (waiting.length === 0) source.pause();
    waiting.push(message);
  };
  return take;
}
