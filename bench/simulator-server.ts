/** The simulator in a process of its own, as the bench starts it in its own process. It is set up by its control API. */
import { startSimulator } from '#simulator/index.ts';
import { simulatorOptions } from './simulator-setup.ts';

process.once('SIGTERM', () => process.exit(0));
await startSimulator({ ...simulatorOptions, port: Number(process.env.PORT) });
