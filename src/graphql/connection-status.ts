import { DomainError } from '../lib/domain-error.ts';
import { builder } from './builder.ts';
import type { ConnectionNews } from './context.ts';
import { LET_IN } from './rules.ts';

/** An operation of this process itself has no connection to be told of. */
export class NoConnectionError extends DomainError {
  readonly code = 'NO_CONNECTION';

  constructor() {
    super(
      'This operation came over no connection. Subscribe over WebSocket or server-sent events.',
    );
  }
}

const ConnectionStateType = builder.enumType('ConnectionState', {
  description: 'How it is with the connection between a client and the server.',
  values: {
    CONNECTED: { description: 'It is there.' },
    RECONNECTING: {
      description:
        'It was lost, and the client tries to come back. The server never sends this: it is what clients show meanwhile.',
    },
    DISCONNECTED: {
      description:
        'The server goes away and closes it after this message. Come back after `comeBackAfterMs`.',
    },
  } as const,
});

const ConnectionStatusType = builder.objectRef<ConnectionNews>('ConnectionStatus');
ConnectionStatusType.implement({
  description: 'How it is with the connection over which this was asked.',
  fields: (t) => ({
    connectionId: t.exposeID('id', {
      description:
        'Names the connection in this server: a WebSocket for as long as it is open; over HTTP each request is one of its own.',
    }),
    status: t.field({
      type: ConnectionStateType,
      description: 'How it is with it.',
      resolve: ({ status }) => status,
    }),
    serverTime: t.expose('serverTime', {
      type: 'DateTime',
      description: "What the server's clock showed when it sent this.",
    }),
    heartbeatMs: t.exposeFloat('heartbeatMs', {
      description:
        'The next message comes within so many milliseconds. When twice that has passed without one, the connection is lost.',
    }),
    comeBackAfterMs: t.float({
      nullable: true,
      description:
        'In the last message, with `DISCONNECTED`: how many milliseconds to wait before coming back. Other clients are ' +
        'told other times, so that not all come back at once.',
      resolve: ({ comeBackAfterMs }) => comeBackAfterMs,
    }),
  }),
});

builder.subscriptionField('connectionStatus', (t) =>
  t.field({
    type: ConnectionStatusType,
    description:
      'Kind: *state*. How it is with the connection over which this is asked: at once, then every `heartbeatMs`, and, ' +
      'when the server goes away, a last time. Each client gets messages of its own.',
    authScopes: LET_IN,
    subscribe: (_root, _args, { connection }) => {
      if (connection === undefined) throw new NoConnectionError();
      return connection.watchStatus();
    },
    resolve: (status) => status,
  }),
);
