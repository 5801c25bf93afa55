import { type FormattedExecutionResult, GraphQLError, type GraphQLFormattedError } from 'graphql';

/** What executing answers, as far as it matters here. */
interface Result {
  readonly data?: unknown;
  readonly errors?: readonly GraphQLError[] | undefined;
  readonly extensions?: unknown;
}

/** A result as clients see it that are not told by HTTP's own means. */
export function showResult({
  errors,
  ...rest
}: { readonly [Part in keyof Result]: Result[Part] | undefined }): FormattedExecutionResult {
  const shown = rest as FormattedExecutionResult; // its data and extensions are made by our own resolvers
  return errors === undefined ? shown : { errors: errors.map(showError), ...shown };
}

/** An error without what only HTTP needs. */
export function showError(error: GraphQLError | GraphQLFormattedError): GraphQLFormattedError {
  const shown = error instanceof GraphQLError ? error.toJSON() : error;
  const { http: _, unexpected: __, ...extensions } = shown.extensions ?? {};
  const { message, locations, path } = shown;
  return {
    message,
    ...(locations === undefined ? {} : { locations }),
    ...(path === undefined ? {} : { path }),
    ...(Object.keys(extensions).length === 0 ? {} : { extensions }),
  };
}
