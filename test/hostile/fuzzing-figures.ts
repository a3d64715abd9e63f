/** What a search led by coverage did, as it reports it. */
export interface FuzzingFigures {
  seed: number;
  inputs: number;
  /** Webhooks that it began with. */
  recorded: number;
  waysAtStart: number;
  waysNew: number;
  inputsKept: number;
  faults: string[];
}
