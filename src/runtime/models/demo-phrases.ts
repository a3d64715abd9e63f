/**
 * What the demo model understands and says, in each of its languages. Patterns are tried in the order of `Topic`; the
 * hours and prices are made up and say so. To add a language, add a `Phrases` with its own words.
 */
export interface Phrases {
  /** Words by which a text of this language is known. */
  words: ReadonlySet<string>;
  person: RegExp;
  /** The first group is the name. */
  nameTold: RegExp[];
  nameAsked: RegExp;
  greeting: RegExp;
  hours: RegExp;
  price: RegExp;
  /** The first group is what the price is asked of. */
  priceOf: RegExp;
  thanks: RegExp;
  bye: RegExp;
  say: {
    personReason: string;
    handOff: string;
    cannotHandOff: string;
    hello(name: string): string;
    niceToMeet(name: string): string;
    yourName(name: string): string;
    noName: string;
    hours: string;
    price(thing: string | undefined, amount: number): string;
    thanks: string;
    bye(name: string): string;
    wrote(quotes: string[]): string;
    slept(seconds: number): string;
    questions: readonly string[];
  };
}

const wordSet = (words: string): ReadonlySet<string> => new Set(words.split(' '));
const called = (name: string): string => (name === '' ? '' : `, ${name}`);

const english: Phrases = {
  words: wordSet(
    'the is are you your what how when where who why hello hi hey my name price open closed much many please thanks ' +
      'thank and of to want have can do does i it this that not yes good morning evening',
  ),
  person: /\b(hand ?-?off|human|real person|a person|person|agent|operator|somebody real)\b/iu,
  nameTold: [
    /\b(?:my name is|my name's|call me|i am called)\s+(\p{L}[\p{L}'’-]{0,29})/iu,
    /\b(?:I am|I'm|I’m|This is)\s+(\p{Lu}[\p{L}'’-]{0,29})/u,
  ],
  nameAsked: /\b(what is|what's|what’s|do you know|remember)\s+my name\b/iu,
  greeting: /^\W*(hello|hi|hey|good (morning|afternoon|evening))\b/iu,
  hours:
    /\b(opening hours|hours|when (are|do) you (open|close)|are you open|open(ed)? (today|tomorrow|on|at|until))\b/iu,
  price: /\b(how much|price|prices|cost|costs)\b/iu,
  priceOf:
    /\b(?:how much (?:is|are|for|does|do)|price (?:of|for)|cost of)\s+(?:the |a |an |your )?([^?.!,]{2,40}?)(?:\s+costs?)?\s*(?:[?.!,]|$)/iu,
  thanks: /\b(thanks|thank you|cheers)\b/iu,
  bye: /\b(bye|goodbye|see you|good night)\b/iu,
  say: {
    personReason: 'The customer asked for a person.',
    handOff: 'Of course. I am handing you over to a person; they will answer here.',
    cannotHandOff: 'I would hand you over to a person, but nobody is set up to take over here.',
    hello: (name) => `Hello${called(name)}! I am the demo assistant.`,
    niceToMeet: (name) => `Nice to meet you, ${name}!`,
    yourName: (name) => `Your name is ${name}.`,
    noName: 'You have not told me your name yet.',
    hours: 'We are open Monday to Saturday, 9:00 to 18:00 (a demo shop, so these hours are made up).',
    price: (thing, amount) =>
      `${thing === undefined ? 'That' : `“${thing}”`} costs $${amount} (a made-up price).`,
    thanks: 'You are welcome!',
    bye: (name) => `Goodbye${called(name)}!`,
    wrote: (quotes) =>
      `You wrote ${listed(quotes, 'and')}. I am a demo without a model key, so I only know a few things.`,
    slept: (seconds) => `I thought about it for ${seconds} seconds, as you asked.`,
    questions: [
      'Would you like to know our opening hours?',
      'Shall I tell you a price?',
      'What is your name?',
      'What else can I do for you?',
    ],
  },
};

const spanish: Phrases = {
  words: wordSet(
    'el la los las un una es son está están qué que cómo como cuándo cuando dónde donde cuánto cuanto cuesta cuestan ' +
      'hola buenos buenas días tardes noches mi me llamo nombre precio precios horario abren abierto por favor gracias ' +
      'y de quiero tengo tienen puede puedo hacer yo esto eso no sí soy una con para hablar adiós',
  ),
  person: /(?<!\p{L})(humano|humana|persona|agente|operador|operadora)(?!\p{L})/iu,
  nameTold: [
    /(?<!\p{L})(?:me llamo|mi nombre es|ll[áa]mame)\s+(\p{L}[\p{L}'’-]{0,29})/iu,
    /(?<!\p{L})[Ss]oy\s+(\p{Lu}[\p{L}'’-]{0,29})/u,
  ],
  nameAsked: /(?<!\p{L})(c[óo]mo me llamo|cu[áa]l es mi nombre|sabes mi nombre)(?!\p{L})/iu,
  greeting: /^[\s\p{P}]*(hola|buen(os|as)? (d[íi]as?|tardes|noches))(?!\p{L})/iu,
  hours: /(?<!\p{L})(horarios?|a qu[ée] hora|cu[áa]ndo (abren|cierran)|est[áa]n? abiert[oa]s?)(?!\p{L})/iu,
  price: /(?<!\p{L})(cu[áa]nto (cuestan?|vale[n]?|es|son)|precios?)(?!\p{L})/iu,
  priceOf:
    /(?<!\p{L})(?:cu[áa]nto (?:cuestan?|valen?|es|son)|precio (?:del?|para))\s+(?:el |la |los |las |un |una )?([^?.!,]{2,40}?)\s*(?:[?.!,]|$)/iu,
  thanks: /(?<!\p{L})gracias(?!\p{L})/iu,
  bye: /(?<!\p{L})(adi[óo]s|hasta (luego|pronto|mañana))(?!\p{L})/iu,
  say: {
    personReason: 'El cliente pidió hablar con una persona.',
    handOff: 'Por supuesto. Le paso con una persona; le responderá aquí mismo.',
    cannotHandOff: 'Le pasaría con una persona, pero aquí no hay nadie configurado para atenderle.',
    hello: (name) => `¡Hola${called(name)}! Soy el asistente de demostración.`,
    niceToMeet: (name) => `¡Mucho gusto, ${name}!`,
    yourName: (name) => `Se llama ${name}.`,
    noName: 'Todavía no me ha dicho su nombre.',
    hours:
      'Abrimos de lunes a sábado, de 9:00 a 18:00 (es una tienda de demostración, el horario es inventado).',
    price: (thing, amount) =>
      `${thing === undefined ? 'Eso' : `«${thing}»`} cuesta $${amount} (un precio inventado).`,
    thanks: '¡De nada!',
    bye: (name) => `¡Hasta luego${called(name)}!`,
    wrote: (quotes) =>
      `Usted escribió ${listed(quotes, 'y')}. Soy una demostración sin clave de modelo y sé pocas cosas.`,
    slept: (seconds) => `Lo pensé durante ${seconds} segundos, como pidió.`,
    questions: [
      '¿Quiere saber nuestro horario?',
      '¿Le digo algún precio?',
      '¿Cómo se llama?',
      '¿En qué más puedo ayudarle?',
    ],
  },
};

export const languages: readonly [Phrases, ...Phrases[]] = [english, spanish];

function listed(quotes: string[], and: string): string {
  return quotes.length < 2 ? (quotes[0] ?? '') : `${quotes.slice(0, -1).join(', ')} ${and} ${quotes.at(-1)}`;
}
