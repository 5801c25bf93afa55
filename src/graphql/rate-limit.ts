import { builder } from './builder.ts';
import type { RateBudget, RateNews } from './context.ts';
import { LET_IN } from './rules.ts';

const RateBudgetType = builder.objectRef<RateBudget>('RateBudget');
RateBudgetType.implement({
  description:
    'How much of something a client may still have. What was used comes back evenly, all of it within a minute at most.',
  fields: (t) => ({
    limit: t.expose('limit', { type: 'Count', description: 'The most there ever is.' }),
    remaining: t.expose('remaining', { type: 'Count', description: 'What is left of it now.' }),
    resetAt: t.expose('resetAt', {
      type: 'DateTime',
      description: 'When all of it is back, if nothing more is used.',
    }),
  }),
});

const RateLimitType = builder.objectRef<RateNews & { readonly operationCost: number }>('RateLimit');
RateLimitType.implement({
  description:
    'What this client may still ask for. A client is whoever a key or token says; where nobody has to say who they are, a network ' +
    'address. What is beyond it is refused with code `RATE_LIMITED`, over HTTP with status 429 and `Retry-After`.',
  fields: (t) => ({
    operationCost: t.expose('operationCost', {
      type: 'Count',
      description:
        'What this very operation was charged, in points: the fields its answer may have.',
    }),
    cost: t.expose('cost', {
      type: RateBudgetType,
      nullable: true,
      description: 'What operations may cost, in points. Null where that is not limited.',
    }),
    requests: t.expose('requests', {
      type: RateBudgetType,
      nullable: true,
      description:
        'How many requests may be sent; over WebSocket each operation is one, and to connect. Null where that is not limited.',
    }),
  }),
});

builder.queryField('rateLimit', (t) =>
  t.field({
    type: RateLimitType,
    nullable: true,
    description:
      'What this client may still ask for. Null where nothing is limited. What operations cost is told in `extensions.cost` of ' +
      'each answer, too.',
    authScopes: LET_IN,
    resolve: (_root, _args, { connection, cost }) => {
      const news = connection?.readRateLimit();
      if (news === undefined || (news.cost ?? news.requests) === undefined) return null;
      return { ...news, operationCost: cost?.operation ?? 0 };
    },
  }),
);
