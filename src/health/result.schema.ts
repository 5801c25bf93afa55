import { builder } from '../graphql/builder.ts';
import { maskSecrets } from '../lib/mask-secrets.ts';
import { CheckFailureType, ServiceStatusType, TransitionRuleType } from './enums.schema.ts';
import type { CheckResult, Explanation } from './service.ts';

/** A result, of which an explanation keeps no details. */
type ShownResult = Omit<CheckResult, 'details'> & Partial<Pick<CheckResult, 'details'>>;

/** Secrets in it are `***`. A body that only looked like JSON is none: nobody has read it before. */
function readDetails({ details }: ShownResult): unknown {
  if (details === undefined) return null;
  try {
    return maskSecrets(JSON.parse(details));
  } catch {
    return null;
  }
}

export const CheckResultType = builder.objectRef<ShownResult>('CheckResult');
CheckResultType.implement({
  description: 'What one check of a service found, or what one report of an agent said.',
  fields: (t) => ({
    status: t.expose('status', {
      type: ServiceStatusType,
      description: 'How it was by this alone. The status of the service follows several of them.',
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When it ended.' }),
    responseTimeMs: t.exposeFloat('responseTimeMs', {
      nullable: true,
      description:
        'How long the service took to answer, or the check to give up, in milliseconds; null for a report.',
    }),
    httpStatus: t.exposeInt('httpStatus', {
      nullable: true,
      description: 'The HTTP status of the answer; null when there was none.',
    }),
    failure: t.expose('failure', {
      type: CheckFailureType,
      nullable: true,
      description: 'Why it was not healthy, for programs; null when it was.',
    }),
    error: t.exposeString('error', {
      nullable: true,
      description: 'The same for people: `HTTP 503`, `Request timeout`, `Connection refused` …',
    }),
    details: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'The body of the answer, when it is JSON and has at most 16,384 characters, or what an agent reported besides. ' +
        'Secrets are `***`. Null when there is none, and in an explanation.',
      resolve: readDetails,
    }),
  }),
});

export const ExplanationType = builder.objectRef<Explanation>('StatusExplanation');
ExplanationType.implement({
  description: 'Why a service has a status: enough to check the decision by hand.',
  fields: (t) => ({
    rule: t.expose('rule', { type: TransitionRuleType, description: 'The rule.' }),
    text: t.exposeString('text', {
      description:
        'For people: `3 checks in a row failed (threshold 3); the last: HTTP 503.`, for instance.',
    }),
    threshold: t.exposeFloat('threshold', {
      description:
        'What it took: results in a row, or changes among the latest results; 1 for a report that was missed.',
    }),
    observed: t.exposeFloat('observed', { description: 'What there was, in the same unit.' }),
    result: t.field({
      type: CheckResultType,
      nullable: true,
      description: 'The result that tipped the scales; null for a report that was missed.',
      resolve: ({ result }) => result,
    }),
  }),
});
