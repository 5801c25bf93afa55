import { defineFlow } from 'millrace/engine';

connect(undefined);

export const never = defineFlow({ id: 'never' }, () => undefined);

function connect(database: string | undefined): void {
  if (database === undefined) throw new Error('The database is not configured.');
}
