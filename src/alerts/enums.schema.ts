import { builder } from '../graphql/builder.ts';

export const AlertSeverityType = builder.enumType('AlertSeverity', {
  description: 'How bad it is.',
  values: {
    INFO: { description: 'Worth knowing.' },
    WARNING: { description: 'Somebody should look at it.' },
    CRITICAL: { description: 'Somebody should look at it now.' },
  } as const,
});

export const AlertRuleKindType = builder.enumType('AlertRuleKind', {
  description: 'What a rule looks at. More kinds may come.',
  values: {
    QUEUE_PRESSURE: { description: 'The queues of running jobs; each is a subject of its own.' },
    ROUTINE_ERROR_RATE: {
      description:
        'How many executions of a routine failed lately; each routine of each running job is a subject of its own.',
    },
    JOB_FAILURES: {
      description: 'How many jobs of a flow failed lately; each flow is a subject of its own.',
    },
    SERVICE_STATUS: {
      description:
        'The health of services; each is a subject of its own. Never one in maintenance.',
    },
  } as const,
});

export const AlertRuleOriginType = builder.enumType('AlertRuleOrigin', {
  description: 'Who said that there is such a rule.',
  values: {
    CONFIGURATION: {
      description: 'The configuration of the server. It wins, and can not be changed live.',
    },
    API: { description: 'Somebody, by `addAlertRule`.' },
  } as const,
});

export const AlertResolutionType = builder.enumType('AlertResolution', {
  description: 'Why an alert is over.',
  values: {
    CONDITION_GONE: { description: 'What its rule looks for is no longer so.' },
    SUBJECT_GONE: { description: 'The job has ended, or the service was removed.' },
    MAINTENANCE: { description: 'The service is in maintenance.' },
    RULE_CHANGED: { description: 'Its rule looks for something else now.' },
    RULE_DISABLED: { description: 'Its rule was disabled.' },
    RULE_REMOVED: { description: 'Its rule is gone.' },
  } as const,
});
