import { UnauthenticatedError } from '../lib/domain-error.ts';
import { type Identity, SCOPES } from '../lib/identity.ts';
import { NotRenewableError } from '../lib/not-renewable-error.ts';
import { builder } from './builder.ts';
import { ErrorInterface } from './errors.ts';
import { LET_IN } from './rules.ts';
import { ScopeType } from './viewer.ts';

builder.objectType(UnauthenticatedError, {
  name: 'UnauthenticatedError',
  description: 'What was shown does not prove who somebody is. Code `UNAUTHENTICATED`.',
  interfaces: [ErrorInterface],
});

builder.objectType(NotRenewableError, {
  name: 'NotRenewableError',
  description:
    'The token can not take the place of the one that the connection has: it is of another subject or tenant, has fewer ' +
    'scopes, or the operation came over HTTP. The connection is as before. Code `NOT_RENEWABLE`.',
  interfaces: [ErrorInterface],
});

const RenewConnectionPayload = builder.objectRef<Identity>('RenewConnectionPayload');
RenewConnectionPayload.implement({
  description: 'The connection goes on with the new token.',
  fields: (t) => ({
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the connection is closed unless it is renewed again; null for never.',
    }),
    scopes: t.field({
      type: [ScopeType],
      description: 'What operations that begin from now on may do. Those that go on are as before.',
      resolve: ({ scopes }) => SCOPES.filter((scope) => scopes.has(scope)),
    }),
  }),
});

const RenewConnectionInput = builder.inputType('RenewConnectionInput', {
  description: 'What to go on with.',
  fields: (t) => ({
    token: t.string({
      required: true,
      description:
        'An API key or a token, without `Bearer`: of the same subject and tenant, with the same scopes or more.',
    }),
  }),
});

builder.mutationField('renewConnection', (t) =>
  t.field({
    type: RenewConnectionPayload,
    description:
      'Goes on with a new token on the WebSocket over which this is asked, before the old one expires: all its operations go on.',
    authScopes: LET_IN,
    errors: {
      types: [UnauthenticatedError, NotRenewableError],
      union: {
        name: 'RenewConnectionResult',
        description: 'Until when the connection lasts now, or why it is as before.',
      },
    },
    args: {
      input: t.arg({ type: RenewConnectionInput, required: true, description: 'The new token.' }),
    },
    resolve: async (_root, { input: { token } }, { connection }) => {
      if (connection === undefined) {
        throw new NotRenewableError(
          'This operation came over no connection: there is none to renew.',
        );
      }
      return connection.renew(token);
    },
  }),
);
