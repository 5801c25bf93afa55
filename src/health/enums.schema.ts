import { builder } from '../graphql/builder.ts';

export const ServiceStatusType = builder.enumType('ServiceStatus', {
  description: 'How a service is, or all of them together. The worst first.',
  values: {
    UNHEALTHY: { description: 'It does not do what it is for.' },
    DEGRADED: { description: 'It does, but not as it should; or it goes up and down.' },
    UNKNOWN: { description: 'Nothing is known of it: nobody looked yet, or it was not heard of.' },
    HEALTHY: { description: 'It is as it should be.' },
  } as const,
});

export const ServiceKindType = builder.enumType('ServiceKind', {
  description: 'What a service is.',
  values: {
    HTTP: { description: 'It answers requests, and is checked by sending it some.' },
    AGENT: {
      description: 'A program that reports its own state, or is asked for it by a function.',
    },
    PART: { description: 'A part of this server.' },
  } as const,
});

export const ServiceOriginType = builder.enumType('ServiceOrigin', {
  description: 'Who said that there is such a service.',
  values: {
    CONFIGURATION: {
      description: 'The configuration of the server. It wins, and can not be changed live.',
    },
    API: { description: 'Somebody, by `addService`.' },
    REPORT: { description: 'An agent, by its first report.' },
    LIBRARY: { description: 'The program that this server is part of.' },
    SERVER: { description: 'The server itself.' },
  } as const,
});

export const CheckFailureType = builder.enumType('CheckFailure', {
  description: 'Why a check did not find a service healthy.',
  values: {
    HTTP_STATUS: { description: 'The answer has a status that is not expected.' },
    TIMEOUT: { description: 'There was no whole answer in time.' },
    CONNECTION_REFUSED: { description: 'Nobody listens there.' },
    CONNECTION_RESET: { description: 'The connection was closed before the answer was whole.' },
    NAME_NOT_RESOLVED: { description: 'The name of the host has no address.' },
    UNREACHABLE: { description: 'There is no way to the host.' },
    TLS: { description: 'No secure connection came about: the certificate is not trusted, say.' },
    CONDITION: { description: 'A condition is not true, or could not be worked out.' },
    NOT_JSON: { description: 'A condition reads the body, and that is no JSON.' },
    BODY_TOO_LARGE: { description: 'The body is longer than it may be.' },
    PROTOCOL: { description: 'What came is no answer in HTTP.' },
    ADDRESS_DENIED: { description: 'This server must not connect to that address.' },
    SLOW: { description: 'It answered as it should, but later.' },
    REPORTED: { description: 'It said so itself.' },
    FAILED: { description: 'The function that is asked about it failed, or the check itself.' },
  } as const,
});

export const TransitionRuleType = builder.enumType('TransitionRule', {
  description: 'The rule by which a service came to its status.',
  values: {
    FIRST_RESULT: { description: 'The first result after nothing was known.' },
    FAILURES_IN_A_ROW: { description: 'So many results in a row were UNHEALTHY.' },
    NOT_HEALTHY_IN_A_ROW: { description: 'So many results in a row were DEGRADED or UNHEALTHY.' },
    UNKNOWN_IN_A_ROW: { description: 'So many results in a row did not say how it is.' },
    SUCCESSES_IN_A_ROW: { description: 'So many results in a row were good.' },
    FLAPPING: { description: 'Too many of the latest results differ from the one before.' },
    STEADY_AGAIN: {
      description: 'It does no longer flap: so many results in a row were the same.',
    },
    REPORT_MISSED: { description: 'An agent did not report when it should have.' },
  } as const,
});

export const HttpMethodType = builder.enumType('ServiceCheckMethod', {
  description: 'The HTTP method of a check.',
  values: {
    GET: { description: 'Fetch. What is meant unless something else is said.' },
    HEAD: { description: 'Fetch without the body.' },
    OPTIONS: { description: 'Ask what can be done.' },
    POST: { description: 'Send an empty body. Only where that changes nothing.' },
  } as const,
});
