/**
 * What can be wrong without anybody noticing until a customer does: each check says what it saw, what that means and
 * what to do. These checks ask the outside with the configuration of the process they run in, so beside a running
 * server they run in the server, with its environment. Nothing here changes anything.
 *
 * To add a check, write a function that returns findings and put it into `examine`.
 */
import type { Tenant } from '#core/ports/tenants.ts';
import { HttpFault } from '#core/ports/world.ts';
import type { Config } from '../config.ts';
import { examineTasks } from './cloud-tasks.ts';
import type { Finding, Patient } from './finding.ts';
import { createGraphReader } from './graph.ts';
import { examineTenants } from './tenants.ts';
import { versionFinding } from './version.ts';

/** Further off than this, Meta's times and ours tell different stories about the 24-hour window. */
const skewMsMax = 2_000;
const askTimeoutMs = 10_000;

export async function examine(patient: Patient): Promise<Finding[]> {
  const graph = await examineGraph(patient);
  const isReachable = graph.every((finding) => finding.check !== 'graph' || finding.status === 'ok');
  return [
    ...examineSecrets(patient),
    ...graph,
    versionFinding(patient.config.graph.version, patient.world.clock.nowMs()),
    await examineDoor(patient),
    ...(await examineTasks(patient)),
    ...(await examineTenants(patient, {
      graph: createGraphReader({
        http: patient.world.http,
        ...patient.config.graph,
        timeoutMs: askTimeoutMs,
      }),
      isReachable,
      timeoutMs: askTimeoutMs,
    })),
  ];
}

/** Any answer of the host counts: it is reachable, and its Date header is a clock to compare ours with. */
async function examineGraph({ config, world }: Patient): Promise<Finding[]> {
  const { baseUrl } = config.graph;
  const askedAtMs = world.clock.nowMs();
  try {
    const answer = await world.http.request({
      purpose: 'doctor',
      method: 'GET',
      url: baseUrl,
      headers: { accept: 'application/json' },
      timeoutMs: askTimeoutMs,
    });
    const nowMs = world.clock.nowMs();
    return [
      { check: 'graph', status: 'ok', says: `${hostOf(baseUrl)} answers in ${nowMs - askedAtMs} ms.` },
      clockFinding(answer.headers.date, (askedAtMs + nowMs) / 2, hostOf(baseUrl)),
    ];
  } catch (error) {
    if (!(error instanceof HttpFault)) throw error;
    const todo = 'Check the network, the name service and the firewall of this machine, and GRAPH_API_URL.';
    return [
      {
        check: 'graph',
        status: 'fail',
        says: `${hostOf(baseUrl)} does not answer (${error.code}): no message can leave.`,
        todo,
      },
      {
        check: 'clock',
        status: 'warn',
        says: 'The clock could not be compared, because nobody answered.',
        todo: 'Mend the connection to Graph first.',
      },
    ];
  }
}

/** The header counts whole seconds, so the true time lies half a second later on average. */
function clockFinding(date: string | undefined, nowMs: number, host: string): Finding {
  const theirsMs = date === undefined ? Number.NaN : Date.parse(date) + 500;
  if (Number.isNaN(theirsMs))
    return {
      check: 'clock',
      status: 'warn',
      says: `${host} gives no readable time, so the clock could not be compared.`,
      todo: 'Compare the clock of this machine by hand.',
    };
  const skewMs = Math.round(nowMs - theirsMs);
  if (Math.abs(skewMs) <= skewMsMax)
    return { check: 'clock', status: 'ok', says: `The clock agrees with ${host} to about a second.` };
  return {
    check: 'clock',
    status: 'warn',
    says: `The clock is ${Math.abs(skewMs)} ms ${skewMs > 0 ? 'ahead of' : 'behind'} ${host}: the 24-hour window and the order of a burst may be misjudged.`,
    todo: 'Let the machine keep its time, e.g. with chrony or systemd-timesyncd.',
  };
}

function examineSecrets({ config, tenants }: Patient): Finding[] {
  return [
    secretFinding({
      check: 'app secret',
      isSet: config.appSecrets.length > 0,
      tenants,
      hasOwn: (tenant) => tenant.appSecret !== undefined,
      key: 'WHATSAPP_APP_SECRET',
      inFile: 'appSecret',
      without: 'Every webhook is answered 401, so no message comes in',
    }),
    secretFinding({
      check: 'verify token',
      isSet: config.verifyTokens.length > 0,
      tenants,
      hasOwn: (tenant) => tenant.verifyToken !== undefined,
      key: 'WHATSAPP_VERIFY_TOKEN',
      inFile: 'verifyToken',
      without: "Meta's check of the webhook address fails, so webhooks cannot be switched on",
    }),
    secretKeyFinding(config),
    modelFinding(config),
  ];
}

interface SecretOfApp {
  check: string;
  isSet: boolean;
  tenants: readonly Tenant[];
  hasOwn: (tenant: Tenant) => boolean;
  key: string;
  inFile: string;
  without: string;
}

/** A tenant's own value counts on its own path only; without an app-wide one, every tenant needs its own. */
function secretFinding({ check, isSet, tenants, hasOwn, key, inFile, without }: SecretOfApp): Finding {
  const lacking = tenants.filter((tenant) => !hasOwn(tenant));
  if (isSet) return { check, status: 'ok', says: `${key} is set.` };
  if (tenants.length > 0 && lacking.length === 0)
    return {
      check,
      status: 'ok',
      says: `${key} is not set; each tenant has its own, which counts on /webhooks/whatsapp/TENANT.`,
    };
  const whom =
    lacking.length === 0
      ? ''
      : ` for ${lacking
          .slice(0, 5)
          .map((tenant) => tenant.tenantId)
          .join(', ')}${lacking.length > 5 ? ' and others' : ''}`;
  return {
    check,
    status: 'fail',
    says: `${key} is not set. ${without}${whom}.`,
    todo: `Set ${key} to the value of your app in Meta's App Dashboard, or give the tenant its own "${inFile}".`,
  };
}

function secretKeyFinding(config: Config): Finding {
  const check = 'secret key';
  if (config.secretKeys !== undefined)
    return {
      check,
      status: 'ok',
      says: 'NIGHTDESK_SECRET_KEY is set: tokens are encrypted at rest with a key that is kept elsewhere.',
    };
  return {
    check,
    status: 'warn',
    says: 'NIGHTDESK_SECRET_KEY is not set: the key lies in the data folder, so whoever copies the folder can read the tokens.',
    todo: 'Set NIGHTDESK_SECRET_KEY to at least 32 random characters and apply the tenants again. Production demands it.',
  };
}

function modelFinding(config: Config): Finding {
  const check = 'model';
  if (config.file.model !== undefined)
    return { check, status: 'ok', says: 'nightdesk.config.ts brings its own model.' };
  if (config.anthropic.apiKey !== undefined)
    return { check, status: 'ok', says: 'ANTHROPIC_API_KEY is set.' };
  return {
    check,
    status: 'warn',
    says: 'ANTHROPIC_API_KEY is not set: the built-in demo model answers customers.',
    todo: 'Set ANTHROPIC_API_KEY.',
  };
}

/** Whether Meta reaches this machine only Meta can tell; whether anybody would answer can be seen from here. */
async function examineDoor({ config, world }: Patient): Promise<Finding> {
  const check = 'webhook';
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  const url = `http://${host}:${config.port}`;
  const hint = `Meta needs a public https address that leads to ${url}/webhooks/whatsapp.`;
  if (config.port === 0)
    return { check, status: 'ok', says: `PORT is 0, so the port is another one at each start. ${hint}` };
  try {
    const answer = await world.http.request({
      purpose: 'doctor',
      method: 'GET',
      url: `${url}/healthz`,
      headers: {},
      timeoutMs: askTimeoutMs,
    });
    if (answer.status === 200) return { check, status: 'ok', says: `${url} answers. ${hint}` };
    return {
      check,
      status: 'warn',
      says: `${url} answers, but with ${answer.status}: another program may have the port. ${hint}`,
      todo: 'Set PORT to a free one, or stop the other program.',
    };
  } catch (error) {
    if (!(error instanceof HttpFault)) throw error;
    return {
      check,
      status: 'warn',
      says: `Nobody listens on ${url}, so webhooks wait at Meta (for up to seven days). ${hint}`,
      todo: 'Run nightdesk start.',
    };
  }
}

/** Only the host: an address may hold a user and password. */
function hostOf(url: string): string {
  return URL.parse(url)?.host ?? 'the host of GRAPH_API_URL';
}
