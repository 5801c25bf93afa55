import { openDatabase } from '../../src/storage/open-database.ts';

// Opens the database that it is given, says so, and keeps it until it is killed.
const [url = ''] = process.argv.slice(2);
await openDatabase(url);
process.stdout.write('open\n');
setInterval(() => undefined, 60_000);
