/** A part of the system of which each tenant has a view of its own. */
export interface Tenanted<View> {
  /** What one tenant may see and do: nothing of any other is there. Cheap. */
  forTenant(tenant: string): View;
}
