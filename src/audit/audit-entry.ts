/** SUCCEEDED: it was done. REFUSED: it was not done, by the rules. FAILED: nobody expected that. */
export type AuditOutcome = 'SUCCEEDED' | 'REFUSED' | 'FAILED';

/** What an edit changed, as texts for people. Secrets are masked, and what is long is cut. */
export interface AuditChanges {
  /** `undefined` where there was nothing. */
  readonly before: string | undefined;
  /** `undefined` where there is nothing any more. */
  readonly after: string | undefined;
}

/** Who asked for which change, when, and what came of it. */
export interface AuditEntry {
  /** UUID version 7. */
  readonly id: string;
  /** Of whoever asked: nobody else's viewers learn of it. */
  readonly tenant: string;
  /** When it was asked for; milliseconds since the Unix epoch. */
  readonly at: number;
  /** Name of the mutation. */
  readonly operation: string;
  /** Who asked, as far as that was proved. */
  readonly actor: string | undefined;
  /** Network address it came from; `undefined` for the process itself. */
  readonly address: string | undefined;
  /** JSON text; secrets are masked, and what is long is cut. */
  readonly arguments: string;
  readonly outcome: AuditOutcome;
  /** Of one that did not succeed. */
  readonly errorCode: string | undefined;
  readonly errorMessage: string | undefined;
  /** Global id of what was changed, or was to be: `Job:…`, `Breakpoint:…`, `Flow:…`, `Service:…`; masked and cut like the arguments. */
  readonly target: string | undefined;
  /** From asking to answering, in milliseconds. */
  readonly durationMs: number;
  /** Of an edit that succeeded. */
  readonly changes: AuditChanges | undefined;
}

/** Which entries to list: those for which all that is given is true. */
export interface AuditFilter {
  readonly operations?: readonly string[] | undefined;
  readonly outcomes?: readonly AuditOutcome[] | undefined;
  readonly actor?: string | undefined;
  readonly target?: string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly after?: number | undefined;
  readonly before?: number | undefined;
}

/** A place in the list of entries, which has the newest first: that of the entry with these values. */
export interface AuditPosition {
  readonly at: number;
  readonly id: string;
}

/** A page of the list of entries. */
export interface AuditQuery {
  readonly filter: AuditFilter;
  /** Only what comes after this place, so what is older. */
  readonly after?: AuditPosition | undefined;
  readonly before?: AuditPosition | undefined;
  readonly limit: number;
  /** Take the last ones instead of the first; still answered in order. */
  readonly fromEnd: boolean;
}
