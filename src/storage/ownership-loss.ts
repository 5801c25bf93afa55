/** Tells, once, that the database was lost to another process. */
export class OwnershipLoss {
  readonly #listeners = new Set<(problem: string) => void>();
  #problem: string | undefined;

  /** It was lost. Only the first call counts. */
  tell(problem: string): void {
    if (this.#problem !== undefined) return;
    this.#problem = problem;
    for (const listener of this.#listeners) call(listener, problem);
    this.#listeners.clear();
  }

  /** See `Database.onLost`. */
  onTold(listener: (problem: string) => void): () => void {
    const entry = (problem: string) => listener(problem);
    if (this.#problem === undefined) this.#listeners.add(entry);
    else call(entry, this.#problem);
    return () => this.#listeners.delete(entry);
  }
}

function call(listener: (problem: string) => void, problem: string): void {
  try {
    listener(problem);
  } catch {
    // Whoever listens must not keep the others from being told.
  }
}
