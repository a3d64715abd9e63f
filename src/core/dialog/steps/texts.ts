/**
 * What a dialog of steps says of its own accord, and what it listens for, in each language. An author's catalogue may
 * say any of it in other words under the same name; a language that is not here must say all of it.
 */
import type { CommandName } from './spec.ts';

export interface OwnTexts {
  wrongText: string;
  wrongChoice: string;
  wrongKind: string;
  stillWorking: string;
  waiting: string;
  cancelled: string;
  /** To "cancel" at an end, or before the first word. */
  nothingToCancel: string;
  help: string;
  /** In a step that heeds no "menu" and no "cancel". */
  helpWhileWorking: string;
  human: string;
  stale: string;
  reminder: string;
  welcomeBack: string;
  /** On the button that opens a list; 20 characters. */
  openList: string;
  yes: string;
  no: string;
  noAnswer: string;
}

export const ownTexts: Readonly<Record<string, OwnTexts>> = {
  en: {
    wrongText: 'I did not understand that.',
    wrongChoice: 'Please choose one of these; a number is enough.',
    wrongKind: 'I cannot use this kind of message here.',
    stillWorking: 'I am still working on it, one moment please.',
    waiting: 'Nothing has arrived yet; I will tell you as soon as it does.',
    cancelled: 'All right, cancelled. Write to me whenever you like to begin again.',
    nothingToCancel: 'There is nothing to cancel. Write anything else to begin.',
    help: 'Answer the question below, or write “menu” to start over, “cancel” to stop, “human” to talk to a person.',
    helpWhileWorking: 'Please wait a moment, or write “human” to talk to a person.',
    human: 'A person from our team will answer you here.',
    stale: 'That button belongs to an earlier message.',
    reminder: 'Are you still there? We can go on whenever you like.',
    welcomeBack: 'Welcome back! We can go on where we were.',
    openList: 'Choose',
    yes: 'Yes',
    no: 'No',
    noAnswer: 'I cannot answer that right now; a person from our team will look at it.',
  },
  es: {
    wrongText: 'No te he entendido.',
    wrongChoice: 'Elige una de estas opciones, por favor; basta con el número.',
    wrongKind: 'Aquí no puedo usar este tipo de mensaje.',
    stillWorking: 'Sigo trabajando en ello, un momento por favor.',
    waiting: 'Todavía no ha llegado nada; te aviso en cuanto llegue.',
    cancelled: 'De acuerdo, cancelado. Escríbeme cuando quieras para empezar de nuevo.',
    nothingToCancel: 'No hay nada que cancelar. Escribe cualquier otra cosa para empezar.',
    help: 'Responde a la pregunta de abajo, o escribe “menú” para empezar de nuevo, “cancelar” para dejarlo, “persona” para hablar con alguien.',
    helpWhileWorking: 'Espera un momento, por favor, o escribe “persona” para hablar con alguien.',
    human: 'Una persona de nuestro equipo te responderá aquí.',
    stale: 'Ese botón es de un mensaje anterior.',
    reminder: '¿Sigues ahí? Podemos continuar cuando quieras.',
    welcomeBack: '¡Qué bien que hayas vuelto! Seguimos donde estábamos.',
    openList: 'Elegir',
    yes: 'Sí',
    no: 'No',
    noAnswer: 'Ahora mismo no puedo responder a eso; una persona de nuestro equipo lo mirará.',
  },
};

export const ownTextNames = Object.keys(ownTexts.en ?? {}) as (keyof OwnTexts)[];

export const commandWords: Readonly<Record<CommandName, readonly string[]>> = {
  cancel: ['cancel', 'stop', 'quit', 'cancelar', 'cancela', 'salir', 'parar'],
  menu: ['menu', 'start over', 'restart', 'start again', 'menú', 'inicio', 'empezar de nuevo'],
  help: ['help', '?', 'ayuda'],
  human: [
    'human',
    'agent',
    'person',
    'operator',
    'talk to a person',
    'humano',
    'persona',
    'agente',
    'operador',
  ],
};

/** What asks for a language, and what gives away that somebody speaks it. */
export const languageWords: Readonly<
  Record<string, { names: readonly string[]; greetings: readonly string[] }>
> = {
  en: {
    names: ['english', 'in english', 'inglés', 'en inglés'],
    greetings: ['hi', 'hello', 'hey', 'good morning', 'good afternoon', 'good evening'],
  },
  es: {
    names: ['español', 'en español', 'castellano', 'spanish', 'in spanish'],
    greetings: ['hola', 'buenas', 'buenos días', 'buenas tardes', 'buenas noches', 'qué tal'],
  },
};

/** First words of a question that was written without its mark. */
export const questionWords: readonly string[] = [
  ...[
    'what',
    'how',
    'when',
    'where',
    'why',
    'which',
    'who',
    'can',
    'could',
    'do',
    'does',
    'is',
    'are',
    'will',
  ],
  ...[
    'qué',
    'cómo',
    'cuándo',
    'dónde',
    'por qué',
    'cuál',
    'quién',
    'cuánto',
    'cuánta',
    'puedo',
    'pueden',
    'tienen',
    'hay',
  ],
];
