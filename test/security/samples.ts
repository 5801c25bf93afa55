import { DENIED_URL, type Things } from './two-tenants.ts';

/** Those of a root field; fields that answer nodes by their ids have these. */
export interface Arguments extends Readonly<Record<string, unknown>> {
  readonly id?: unknown;
  readonly ids?: readonly unknown[];
}

/** One way to ask a root field. */
export interface Sample {
  /** What is special about it. Default: nothing. */
  readonly about?: string;
  /** Its arguments, about the things of somebody. */
  readonly args: (of: Things) => Arguments;
  /** For what this process itself can't be answered, and what somebody must not be able to do twice. */
  readonly isOnlyAsked?: true;
}

const input = (make: (of: Things) => object): Sample => ({ args: (of) => ({ input: make(of) }) });
const about = (what: string, sample: Sample): Sample => ({ ...sample, about: what });
const ofStopped = input(({ stopped }) => ({ jobId: stopped }));
const ofRule = input(({ alertRule }) => ({ alertRuleId: alertRule }));
const ofService = input(({ service }) => ({ serviceId: service }));
const rarely = { url: DENIED_URL, intervalMs: 86_400_000, extendedInterval: true };
const uuid = (id: string) => id.slice(id.indexOf(':') + 1);

/** The ids of everything that is fetched by `node`, by type. */
export function nodeIds(of: Things): Readonly<Record<string, string>> {
  return {
    Flow: 'Flow:orders',
    Routine: 'Routine:orders/work',
    Job: of.ended,
    JobRoutine: `JobRoutine:${uuid(of.stopped)}/work`,
    SlotQueue: `SlotQueue:${uuid(of.stopped)}/work.line`,
    DebugSession: `DebugSession:${uuid(of.stopped)}`,
    Breakpoint: of.jobBreakpoint,
    AuditEntry: of.auditEntry,
    Service: of.service,
    AlertRule: of.alertRule,
    Alert: of.alert,
  };
}

const EACH_NODE: readonly Sample[] = [
  'Flow',
  'Routine',
  'Job',
  'JobRoutine',
  'SlotQueue',
  'DebugSession',
  'Breakpoint',
  'AuditEntry',
  'Service',
  'AlertRule',
  'Alert',
].map((type) => ({ about: type, args: (of) => ({ id: nodeIds(of)[type] }) }));

/**
 * How each root field is asked, about the things of somebody: their own, those of another tenant, or such that there are
 * not. A field that takes ids has samples for every one of them.
 */
export const SAMPLES: Readonly<Record<string, readonly Sample[]>> = {
  'Query.alert': [{ args: ({ alert }) => ({ id: alert }) }],
  'Query.alertRule': [
    { args: ({ alertRule }) => ({ id: alertRule }) },
    { about: 'by name', args: ({ alertRule }) => ({ id: uuid(alertRule) }) },
  ],
  'Query.alertRules': [
    { args: () => ({}) },
    { about: 'a kind', args: () => ({ filter: { kinds: ['JOB_FAILURES'] } }) },
    { about: 'a page', args: ({ cursors }) => ({ first: 2, after: cursors.alertRules }) },
  ],
  'Query.alerts': [
    { args: () => ({}) },
    { about: 'of a rule', args: ({ alertRule }) => ({ filter: { ruleId: alertRule } }) },
    { about: 'of a job', args: ({ failed }) => ({ filter: { jobId: failed } }) },
    { about: 'of a service', args: ({ service }) => ({ filter: { serviceId: service } }) },
    { about: 'a page', args: ({ cursors }) => ({ first: 2, after: cursors.alerts }) },
  ],
  'Query.auditEntries': [
    { args: () => ({}) },
    { about: 'of a job', args: ({ ended }) => ({ filter: { targetId: ended } }) },
    {
      about: 'of an actor',
      args: ({ word }) => ({ filter: { actor: `ann of ${word.slice(0, -5)}` } }),
    },
    { about: 'a page', args: ({ cursors }) => ({ first: 2, after: cursors.auditEntries }) },
  ],
  'Query.breakpoints': [
    { args: () => ({}) },
    { about: 'of a job', args: ({ stopped }) => ({ filter: { jobId: stopped } }) },
    { about: 'of a flow', args: () => ({ filter: { flowId: 'orders' } }) },
    { about: 'a page', args: ({ cursors }) => ({ last: 2, before: cursors.breakpoints }) },
  ],
  'Query.clusterHealth': [{ args: () => ({}) }],
  'Query.debugSession': [{ args: ({ stopped }) => ({ jobId: stopped }) }],
  'Query.expressionCompletions': [
    { args: ({ stopped }) => ({ jobId: stopped, expression: '', position: 0 }) },
  ],
  'Query.flow': [{ args: () => ({ id: 'orders' }) }],
  'Query.flows': [{ args: () => ({}) }],
  'Query.job': [
    { about: 'ended', args: ({ ended }) => ({ id: ended }) },
    { about: 'stopped', args: ({ stopped }) => ({ id: stopped }) },
    { about: 'running', args: ({ running }) => ({ id: running }) },
  ],
  'Query.jobEventsCursor': [{ args: () => ({}) }],
  'Query.jobs': [
    { args: () => ({}) },
    { about: 'a text', args: ({ word }) => ({ filter: { text: word } }) },
    { about: 'an id as text', args: ({ ended }) => ({ filter: { text: uuid(ended) } }) },
    { about: 'an owner', args: ({ word }) => ({ filter: { owner: word } }) },
    {
      about: 'of a flow',
      args: () => ({ filter: { flowIds: ['orders'], statuses: ['COMPLETED'] } }),
    },
    { about: 'a page', args: ({ cursors }) => ({ first: 2, after: cursors.jobs }) },
  ],
  'Query.node': EACH_NODE,
  'Query.nodes': EACH_NODE.map(({ about: type = '', args }) => ({
    about: type,
    args: (of) => ({ ids: [args(of).id] }),
  })),
  'Query.rateLimit': [{ args: () => ({}) }],
  'Query.server': [{ args: () => ({}) }],
  'Query.service': [
    { args: ({ service }) => ({ id: service }) },
    { about: 'an agent', args: ({ agent }) => ({ id: agent }) },
    { about: 'by name', args: ({ agent }) => ({ id: uuid(agent) }) },
  ],
  'Query.services': [
    { args: () => ({}) },
    { about: 'a text', args: ({ word }) => ({ filter: { text: word } }) },
    { about: 'the worst first', args: () => ({ orderBy: { field: 'STATUS' } }) },
    { about: 'a page', args: ({ cursors }) => ({ first: 2, after: cursors.services }) },
  ],
  'Query.serviceTransitions': [
    { args: () => ({}) },
    { about: 'of a service', args: ({ service }) => ({ filter: { serviceId: service } }) },
    { about: 'a page', args: ({ cursors }) => ({ first: 2, after: cursors.serviceTransitions }) },
  ],
  'Query.validateExpression': [
    { args: () => ({ expression: '1', flowId: 'orders', routineId: 'work' }) },
  ],
  'Query.viewer': [{ args: () => ({}) }],

  'Mutation.acknowledgeAlert': [
    input(({ alert, word }) => ({ alertId: alert, comment: `Seen by ${word}` })),
  ],
  'Mutation.addAlertRule': [
    input(({ word }) => ({ name: `new-${word}`, kind: 'QUEUE_PRESSURE', isEnabled: false })),
    about(
      'about a service',
      input(({ service }) => ({
        name: `of-${uuid(service)}`,
        kind: 'SERVICE_STATUS',
        serviceId: service,
        isEnabled: false,
      })),
    ),
  ],
  'Mutation.addBreakpoint': [
    input(({ stopped }) => ({ jobId: stopped, kind: 'EXCEPTION' })),
    about(
      'armed by one of a flow',
      input(({ flowBreakpoint }) => ({
        flowId: 'orders',
        kind: 'EXCEPTION',
        after: flowBreakpoint,
      })),
    ),
  ],
  'Mutation.addService': [
    input(({ word }) => ({ ...rarely, name: `new-${word}` })),
    about(
      'that needs another',
      input(({ service }) => ({
        ...rarely,
        name: `needs-${uuid(service)}`,
        dependsOn: [service],
      })),
    ),
  ],
  'Mutation.addWatch': [input(({ stopped }) => ({ jobId: stopped, expression: '1' }))],
  'Mutation.cancelJob': [input(({ running }) => ({ jobId: running }))],
  'Mutation.checkServiceNow': [ofService],
  'Mutation.clearBreakpoints': [ofStopped],
  'Mutation.continueJob': [ofStopped],
  'Mutation.deleteJob': [input(({ ended }) => ({ jobId: ended }))],
  'Mutation.dropItem': [input(({ stopped, itemId }) => ({ jobId: stopped, itemId }))],
  'Mutation.endMaintenance': [input(({ agent }) => ({ serviceId: agent }))],
  'Mutation.evaluate': [input(({ stopped }) => ({ jobId: stopped, expression: 'line.word' }))],
  'Mutation.injectItem': [
    input(({ stopped }) => ({
      jobId: stopped,
      routineId: 'work',
      slot: 'line',
      value: { n: 1, word: 'injected' },
    })),
  ],
  'Mutation.pauseJob': [input(({ running }) => ({ jobId: running }))],
  'Mutation.releaseSession': [ofStopped],
  'Mutation.renewConnection': [
    { args: () => ({ input: { token: 's3cr3t-of-nobody' } }), isOnlyAsked: true },
  ],
  'Mutation.removeAlertRule': [ofRule],
  'Mutation.removeBreakpoint': [
    about(
      'of a job',
      input(({ jobBreakpoint }) => ({ breakpointId: jobBreakpoint })),
    ),
    about(
      'of a flow',
      input(({ flowBreakpoint }) => ({ breakpointId: flowBreakpoint })),
    ),
  ],
  'Mutation.removeService': [ofService],
  'Mutation.removeWatch': [input(({ stopped, watchId }) => ({ jobId: stopped, watchId }))],
  'Mutation.replaceItem': [
    input(({ stopped, itemId }) => ({ jobId: stopped, itemId, value: { n: 1, word: 'replaced' } })),
  ],
  'Mutation.reportAgentStatus': [
    input(({ word }) => ({ name: word, health: 'bad', message: word })),
  ],
  'Mutation.rerunFrom': [
    input(({ ended }) => ({ jobId: ended, activationId: 1 })),
    about(
      'debugged',
      input(({ ended }) => ({ jobId: ended, activationId: 1, debug: { stopAtEntry: true } })),
    ),
    about(
      'armed by a breakpoint',
      input(({ ended, flowBreakpoint }) => ({
        jobId: ended,
        activationId: 1,
        debug: { breakpoints: [{ kind: 'EXCEPTION', after: flowBreakpoint }] },
      })),
    ),
  ],
  'Mutation.resumeJob': [ofStopped],
  'Mutation.retryJob': [input(({ failed }) => ({ jobId: failed }))],
  'Mutation.setVariable': [
    input(({ stopped }) => ({ jobId: stopped, scope: 'DATA', path: ['word'], value: 'set' })),
  ],
  'Mutation.startMaintenance': [
    input(({ service, soon }) => ({ serviceId: service, until: soon })),
  ],
  'Mutation.startJob': [
    input(({ word }) => ({ flowId: 'orders', input: { lines: [1], word } })),
    about(
      'armed by a breakpoint',
      input(({ word, flowBreakpoint }) => ({
        flowId: 'orders',
        input: { lines: [1], word },
        debug: { breakpoints: [{ kind: 'EXCEPTION', after: flowBreakpoint }] },
      })),
    ),
  ],
  'Mutation.stepInto': [ofStopped],
  'Mutation.stepOut': [ofStopped],
  'Mutation.stepOver': [ofStopped],
  'Mutation.takeOverSession': [ofStopped],
  'Mutation.updateBreakpoint': [
    input(({ jobBreakpoint }) => ({ breakpointId: jobBreakpoint, isEnabled: false })),
    about(
      'armed by one of a flow',
      input(({ jobBreakpoint, flowBreakpoint }) => ({
        breakpointId: jobBreakpoint,
        after: flowBreakpoint,
      })),
    ),
  ],
  'Mutation.updateAlertRule': [
    input(({ alertRule, word }) => ({
      alertRuleId: alertRule,
      description: `Changed by ${word}`,
    })),
  ],
  'Mutation.updateService': [
    input(({ service, word }) => ({ serviceId: service, description: `Changed by ${word}` })),
    about(
      'to need another',
      input(({ service, agent }) => ({ serviceId: service, dependsOn: [agent] })),
    ),
  ],

  'Subscription.alertRaised': [
    { args: () => ({}) },
    { about: 'of a rule', args: ({ alertRule }) => ({ ruleId: alertRule }) },
  ],
  'Subscription.alertResolved': [
    { args: () => ({}) },
    { about: 'of a rule', args: ({ alertRule }) => ({ ruleId: alertRule }) },
  ],
  'Subscription.clusterHealthChanged': [{ args: () => ({}) }],
  'Subscription.connectionStatus': [{ args: () => ({}), isOnlyAsked: true }],
  'Subscription.debugSessionChanged': [{ args: ({ stopped }) => ({ jobId: stopped }) }],
  'Subscription.jobEvents': [
    { args: () => ({}) },
    { about: 'of a job', args: ({ running }) => ({ jobId: running }) },
    { about: 'of a flow', args: () => ({ flowId: 'orders' }) },
    { about: 'after a cursor', args: ({ cursors }) => ({ after: cursors.events }) },
  ],
  'Subscription.jobMonitoring': [{ args: ({ stopped }) => ({ jobId: stopped }) }],
  'Subscription.jobStatusChanged': [
    { args: () => ({}) },
    { about: 'of a job', args: ({ stopped }) => ({ jobId: stopped }) },
    { about: 'of a flow', args: () => ({ flowId: 'orders' }) },
  ],
  'Subscription.queueStatusChanged': [{ args: ({ stopped }) => ({ jobId: stopped }) }],
  'Subscription.routineStatusChanged': [{ args: ({ stopped }) => ({ jobId: stopped }) }],
  'Subscription.serviceHealthChanged': [
    { args: () => ({}) },
    { about: 'of a service', args: ({ service }) => ({ service }) },
    { about: 'of an agent', args: ({ agent }) => ({ service: agent }) },
    { about: 'with a status', args: () => ({ statuses: ['UNHEALTHY'] }) },
  ],
};
