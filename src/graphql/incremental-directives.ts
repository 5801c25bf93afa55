import {
  DirectiveLocation,
  GraphQLBoolean,
  GraphQLDirective,
  GraphQLInt,
  GraphQLNonNull,
  GraphQLString,
} from 'graphql';

const HOW =
  'Works for queries and mutations over HTTP whose `Accept` names `multipart/mixed` or `text/event-stream`. ' +
  'Everywhere else, over WebSocket and in subscriptions too, the answer comes whole, as if it were not there.';

const label = {
  type: GraphQLString,
  description: 'Comes back with the part, to know it by. Literal text, unique in the document.',
};

/** `@defer` on a fragment: its fields may be answered after the rest. */
export const deferDirective = new GraphQLDirective({
  name: 'defer',
  description: `What is in the fragment may be answered later, in a part of its own. ${HOW}`,
  locations: [DirectiveLocation.FRAGMENT_SPREAD, DirectiveLocation.INLINE_FRAGMENT],
  args: {
    if: {
      type: new GraphQLNonNull(GraphQLBoolean),
      defaultValue: true,
      description: 'False: answer it with the rest.',
    },
    label,
  },
});

/** `@stream` on a list: its elements may be answered one after the other. */
export const streamDirective = new GraphQLDirective({
  name: 'stream',
  description: `The elements of the list may be answered later, each when it is ready. ${HOW}`,
  locations: [DirectiveLocation.FIELD],
  args: {
    if: {
      type: new GraphQLNonNull(GraphQLBoolean),
      defaultValue: true,
      description: 'False: answer the whole list at once.',
    },
    label,
    initialCount: {
      type: new GraphQLNonNull(GraphQLInt),
      defaultValue: 0,
      description: 'How many elements the first answer has.',
    },
  },
});
