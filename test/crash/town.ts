/**
 * A town that lives through many deaths of its server: the look-alike of Meta and of the model, two numbers (one of the
 * assistant, one of a scripted dialog), and a server on a file that is told where to die.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CrashPoint } from '#core/ports/crash-points.ts';
import { createLog } from '#runtime/world/log.ts';
import { createRealWorld } from '#runtime/world/real-world.ts';
import { type Simulator, startSimulator } from '#simulator/index.ts';
import { type BucketServer, startBucket } from '../files/bucket-server.ts';
import { ServerProcess, until } from '../proof/server-process.ts';
import type { ConfigVariant } from './server-config.ts';
import type { Armed } from './server-main.ts';

const serverMain = fileURLToPath(new URL('./server-main.ts', import.meta.url));
const serverConfig = fileURLToPath(new URL('./server-config.ts', import.meta.url));
const world = createRealWorld({ log: createLog({ level: 'silent' }) });

/** Longer than any of it takes on a busy machine. */
export const patienceMs = 30_000;

export interface TownNumber {
  id: string;
  wabaId: string;
  displayNumber: string;
  dialog: 'assistant' | 'scripted';
}

/** Of the bucket in which the server keeps its files. */
const access = {
  bucket: 'files',
  region: 'eu-central-1',
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'not a secret',
};

const wabaId = '102290129340398';

/** A number of the tenant; `index` 0 and 1 are there from the beginning. */
export function numberOf(index: number, dialog: TownNumber['dialog']): TownNumber {
  const digits = String(index).padStart(4, '0');
  return { id: `1065403522${digits}`, wabaId, displayNumber: `+1 555 07${digits}`, dialog };
}

export const assistantNumber = numberOf(0, 'assistant');
export const scriptedNumber = numberOf(1, 'scripted');

export class CrashTown {
  readonly simulator: Simulator;
  readonly server: ServerProcess;
  readonly #bucket: BucketServer;
  /** Where it died, in order. */
  readonly deaths: CrashPoint[] = [];

  private constructor(simulator: Simulator, bucket: BucketServer, cacheFolder: string) {
    this.simulator = simulator;
    this.#bucket = bucket;
    this.server = new ServerProcess({
      simulatorUrl: simulator.url,
      env: {
        NODE_COMPILE_CACHE: cacheFolder,
        FILES_URL: `s3://${access.bucket}`,
        AWS_ENDPOINT_URL_S3: bucket.url,
        AWS_REGION: access.region,
        AWS_ACCESS_KEY_ID: access.accessKeyId,
        AWS_SECRET_ACCESS_KEY: access.secretAccessKey,
      },
      command: [
        process.execPath,
        '--conditions=nightdesk-source',
        '--disable-warning=ExperimentalWarning',
        serverMain,
      ],
    });
  }

  /** `cacheFolder` keeps what starts compile; all towns may share it. */
  static async open(cacheFolder: string): Promise<CrashTown> {
    const simulator = await startSimulator({
      world: { nowMs: world.clock.nowMs, setTimer: world.timers.after, random: world.random },
      setup: {
        appSecret: 'app secret',
        verifyToken: 'verify',
        accessTokens: ['token'],
        phoneNumbers: [assistantNumber, scriptedNumber].map(withoutDialog),
        timings: {
          sentMs: { minMs: 1, maxMs: 3 },
          deliveredMs: { minMs: 3, maxMs: 6 },
          readMs: { minMs: 6, maxMs: 10 },
          webhookRetryFirstMs: 100,
          webhookRetryFactor: 1.5,
          webhookRetryMaxMs: 500,
        },
      },
      model: { latencyMs: { minMs: 1, maxMs: 5 } },
    });
    const bucket = await startBucket({ ...access, nowMs: world.clock.nowMs });
    const town = new CrashTown(simulator, bucket, cacheFolder);
    await town.start();
    await town.applyTenants();
    return town;
  }

  async start(variant: ConfigVariant = {}): Promise<void> {
    this.#configure(variant, null);
    await this.server.start();
    await this.simulator.control.setup({ webhookUrl: `${this.server.url}/webhooks/whatsapp` });
    await this.simulator.control.retryWebhooks();
  }

  /** Dies where it is told to while `trigger` goes on; what becomes of the trigger is nobody's concern. */
  async die(armed: Armed, trigger: () => Promise<unknown>): Promise<void> {
    this.server.tell({ ...armed });
    await this.#logged(`armed ${armed.point}`);
    const triggered = trigger().catch(() => {});
    await this.#dead(armed);
    await triggered;
  }

  /** Starts a server that dies at its start or soon after. */
  async dieAtStart(armed: Armed, variant: ConfigVariant = {}): Promise<void> {
    this.#configure(variant, armed);
    const started = this.server.start().catch(() => {});
    await this.#dead(armed);
    await started;
  }

  async #dead({ point }: Armed): Promise<void> {
    await this.#logged(`died ${point}`);
    if (!(await until(() => !this.server.isRunning, patienceMs)))
      throw new Error(`The process still runs although it died at ${point}.`);
    this.deaths.push(point);
    rmSync(this.#crashLog, { force: true });
  }

  get #crashLog(): string {
    return join(this.server.folder, 'crash.log');
  }

  async #logged(line: string): Promise<void> {
    const isThere = () =>
      existsSync(this.#crashLog) && readFileSync(this.#crashLog, 'utf8').split('\n').includes(line);
    if (await until(isThere, patienceMs)) return;
    throw new Error(`"${line}" was not reached; see ${this.server.logPath}.`);
  }

  #configure(variant: ConfigVariant, armed: Armed | null): void {
    const file = join(this.server.folder, 'armed.json');
    if (armed === null) rmSync(file, { force: true });
    else writeFileSync(file, JSON.stringify(armed));
    writeFileSync(
      join(this.server.folder, 'nightdesk.config.ts'),
      `import { configOf } from '${serverConfig}';\nexport default configOf(${JSON.stringify(variant)});\n`,
    );
  }

  /** The database and the keys beside it, as before the first start. */
  forget(): void {
    rmSync(dirname(this.server.databasePath), { recursive: true });
  }

  async applyTenants(numbers: readonly TownNumber[] = [assistantNumber, scriptedNumber]): Promise<void> {
    await this.server.command('tenants.apply', {
      file: { tenants: [{ id: 'acme', name: 'Acme', phoneNumbers: numbers }] },
    });
  }

  async addAtMeta(number: TownNumber): Promise<void> {
    await this.simulator.control.setup({ phoneNumbers: [withoutDialog(number)] });
  }

  /** Where something went wrong, its folder is kept for whoever looks. */
  async close({ keepFolder }: { keepFolder: boolean }): Promise<void> {
    await this.server.kill();
    await this.simulator.close();
    await this.#bucket.close();
    if (!keepFolder) this.server.remove();
  }
}

function withoutDialog({ dialog: _, ...number }: TownNumber): Omit<TownNumber, 'dialog'> {
  return number;
}
