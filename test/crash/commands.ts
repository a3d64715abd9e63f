/** What scenes of a command that an operator gives have in common. */
import type { Stage } from './stage.ts';
import { scriptedNumber } from './town.ts';

/** A command that dies; `isDone` tells what an operator sees who looks before they repeat it. */
export async function commanded(
  stage: Stage,
  command: () => Promise<unknown>,
  isDone: () => boolean | Promise<boolean>,
): Promise<void> {
  await stage.dies(command);
  await stage.restart();
  stage.commandDone = await isDone();
  if (!stage.commandDone) await command();
}

export async function answered(stage: Stage): Promise<void> {
  await stage.say(scriptedNumber, 'hello');
  await stage.quiet();
}

/** An operator held it and gives it back; what the customer wrote meanwhile is left to the bot. */
export async function givenBack(stage: Stage): Promise<void> {
  await stage.say(scriptedNumber, 'are you there?');
  await stage.acknowledged();
  await stage.command('handback', { ...stage.place() });
}
