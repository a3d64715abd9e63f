/** The doors of the workbench as the phone page uses them. */
import type { Step } from '#surface/cli/dev/workbench/life.ts';
import type { BookedMoment } from '#surface/cli/dev/workbench/moment-book.ts';
import type { WorkbenchState } from '#surface/cli/dev/workbench/workbench.ts';

export class WorkbenchClient {
  readonly #url: string;

  constructor(phoneUrl: string) {
    this.#url = `${phoneUrl}/_dev`;
  }

  async get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.#url}/${path}`);
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  async post<T>(path: string, body: object): Promise<T> {
    const response = await this.send(path, JSON.stringify(body), { 'content-type': 'application/json' });
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  send(path: string, body: string, headers: Record<string, string>): Promise<Response> {
    return fetch(`${this.#url}/${path}`, { method: 'POST', body, headers });
  }

  state(): Promise<WorkbenchState> {
    return this.get('state');
  }

  kill(): Promise<{ pid: number }> {
    return this.post('kill', {});
  }

  jump(jumpMs: number): Promise<{ aheadMs: number }> {
    return this.post('clock', { jumpMs });
  }

  async life(wamid: string): Promise<Step[]> {
    return (await this.get<{ steps: Step[] }>(`life?wamid=${encodeURIComponent(wamid)}`)).steps;
  }

  /** Everything that is told from `after` on, as soon as `isEnough` says so. */
  async until(isEnough: (seen: Told) => boolean, after = 0): Promise<Told> {
    const response = await fetch(`${this.#url}/stream?after=${after}`);
    const seen: Told = { states: [], moments: [] };
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const blocks = text.split('\n\n');
      text = blocks.pop()!;
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (data === undefined) continue;
        if (block.includes('event: state')) seen.states.push(JSON.parse(data) as WorkbenchState);
        else seen.moments.push(JSON.parse(data) as BookedMoment);
      }
      // Leaving the loop closes the stream.
      if (isEnough(seen)) return seen;
    }
    throw new Error('The workbench closed its stream before what was waited for.');
  }

  /** Waits for the `count`th moment of a kind. */
  async told(kind: BookedMoment['kind'], count = 1): Promise<BookedMoment[]> {
    const of = ({ moments }: Told) => moments.filter((moment) => moment.kind === kind);
    return of(await this.until((seen) => of(seen).length >= count));
  }
}

export interface Told {
  states: WorkbenchState[];
  moments: BookedMoment[];
}
