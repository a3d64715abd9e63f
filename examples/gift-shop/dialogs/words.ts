/**
 * Everything the shop says, in each of its languages. Whatever is missing in one of them does not compile, and is refused
 * when the dialog is defined. To add a language, add its words here and its line at the end.
 */
import { priceText, type ShopSettings, type Style } from '../settings.ts';
import type { Gift } from './gift.ts';

type Line = string | ((gift: Readonly<Gift>) => string);

const styleNames: Readonly<Record<'en' | 'es', Readonly<Record<Style, string>>>> = {
  en: { watercolour: 'Watercolour', comic: 'Comic', oil: 'Oil painting', papercut: 'Paper cut' },
  es: { watercolour: 'Acuarela', comic: 'Cómic', oil: 'Pintura al óleo', papercut: 'Papel recortado' },
};

const english = (price: string) => ({
  welcome: `Welcome to the gift shop! I draw four pictures for somebody you like, and you choose one. A print at your door costs ${price}; to look costs nothing. (Escribe “español” para seguir en español.)`,
  askName: 'What is the name of the person?',
  wrongName: 'A name is enough, please: at most 40 letters.',
  askTheme: ({ name }: Gift) =>
    `What should be in the picture for ${name}? “A lighthouse at night”, for one.`,
  wrongTheme: 'Some words are enough, please: at most 200 letters.',
  askStyle: 'In which style?',
  ...styleNames.en,
  ready: ({ name, theme, style }: Gift) =>
    `For ${name}: ${theme}. Style: ${styleNames.en[style].toLowerCase()}. Shall I draw it?`,
  draw: 'Draw it',
  change: 'Change something',
  drawing: ({ name }: Gift) => `I am drawing four designs for ${name}. It takes a moment.`,
  stillDrawing: 'I am still drawing; the designs come on their own, one moment please.',
  blocked: 'The painter does not draw that, and nothing was charged. Let us try other words.',
  drawingFailed: 'The drawing went wrong. It costs you nothing.',
  drawingUncertain:
    'I cannot say whether your designs were drawn; one of us looks at it. It costs you nothing.',
  drawAgain: 'Try again',
  trouble: 'How shall we go on?',
  noMoreDrawings: 'That is all I can draw for today. Tomorrow I can draw again.',
  uploadFailed: 'Your designs are ready, but WhatsApp did not take the pictures.',
  showTrouble: 'Shall I send them again?',
  showAgain: 'Send them again',
  design: ({ chosen }: Gift) => `Design ${chosen}`,
  pick: 'Which design do you like?',
  design1: 'Design 1',
  design2: 'Design 2',
  design3: 'Design 3',
  design4: 'Design 4',
  again: 'Four new designs',
  chosen: ({ name, chosen }: Gift) =>
    `Design ${chosen} for ${name}: a good choice. The print costs ${price}.`,
  buy: 'Buy it',
  otherDesign: 'Another design',
  newDesigns: 'Four new ones',
  preparing: 'One moment, I am preparing the payment.',
  checkoutFailed: 'The payment page could not be made. Nothing was charged.',
  noMorePages: 'That were many payment pages for one day. Please write “human” and one of us helps you.',
  printFor: ({ name }: Gift) => `Gift for ${name}`,
  payHere: ({ name, chosen }: Gift) => `Design ${chosen} for ${name}, printed and sent: ${price}.`,
  pay: 'Pay',
  waitForPayment: 'As soon as you have paid, I confirm it here.',
  choose: 'Back to the designs',
  person: 'Talk to a person',
  payFailed: 'The payment did not go through. You can try again on the same page.',
  payExpired: 'The payment page has closed. Nothing was charged.',
  payArrived: 'Your payment is on its way already.',
  bought: ({ name, chosen, order }: Gift) =>
    `Thank you! Design ${chosen} for ${name} is being printed. Your order reference is ${order}. Write to me whenever you need another gift.`,
  paidLate: ({ lateOrder }: Gift) =>
    `Your payment of a page from before has arrived: order ${lateOrder}. One of us makes sure that you get the right design.`,
  shipped: 'Good news: your gift is on its way!',
});

export type WordName = keyof ReturnType<typeof english>;
type Words = Readonly<Record<WordName, Line>>;

const spanish = (price: string): Words => ({
  welcome: `¡Te damos la bienvenida a la tienda de regalos! Dibujo cuatro imágenes para alguien a quien quieres y eliges una. La lámina en tu casa cuesta ${price}; mirar no cuesta nada. (Write “English” to go on in English.)`,
  askName: '¿Cómo se llama la persona?',
  wrongName: 'Basta con un nombre, por favor: 40 letras como mucho.',
  askTheme: ({ name }) => `¿Qué quieres ver en la imagen para ${name}? Por ejemplo: “un faro de noche”.`,
  wrongTheme: 'Bastan unas palabras, por favor: 200 letras como mucho.',
  askStyle: '¿En qué estilo?',
  ...styleNames.es,
  ready: ({ name, theme, style }) =>
    `Para ${name}: ${theme}. Estilo: ${styleNames.es[style].toLowerCase()}. ¿Lo dibujo?`,
  draw: 'Dibújalo',
  change: 'Cambiar algo',
  drawing: ({ name }) => `Estoy dibujando cuatro diseños para ${name}. Tardo un momento.`,
  stillDrawing: 'Sigo dibujando; los diseños llegan solos, un momento por favor.',
  blocked: 'El pintor no dibuja eso, y no se ha cobrado nada. Probemos con otras palabras.',
  drawingFailed: 'El dibujo ha salido mal. No te cuesta nada.',
  drawingUncertain:
    'No sé si tus diseños se han dibujado; una persona del equipo lo mira. No te cuesta nada.',
  drawAgain: 'Probar otra vez',
  trouble: '¿Cómo seguimos?',
  noMoreDrawings: 'Hoy ya no puedo dibujar más. Mañana puedo volver a dibujar.',
  uploadFailed: 'Tus diseños están listos, pero WhatsApp no ha aceptado las imágenes.',
  showTrouble: '¿Te las envío otra vez?',
  showAgain: 'Enviar otra vez',
  design: ({ chosen }) => `Diseño ${chosen}`,
  pick: '¿Qué diseño te gusta?',
  design1: 'Diseño 1',
  design2: 'Diseño 2',
  design3: 'Diseño 3',
  design4: 'Diseño 4',
  again: 'Cuatro diseños nuevos',
  chosen: ({ name, chosen }) =>
    `El diseño ${chosen} para ${name}: buena elección. La lámina cuesta ${price}.`,
  buy: 'Comprar',
  otherDesign: 'Otro diseño',
  newDesigns: 'Cuatro nuevos',
  preparing: 'Un momento, estoy preparando el pago.',
  checkoutFailed: 'No se ha podido crear la página de pago. No se ha cobrado nada.',
  noMorePages: 'Han sido muchas páginas de pago para un día. Escribe “persona” y te ayudamos.',
  printFor: ({ name }) => `Regalo para ${name}`,
  payHere: ({ name, chosen }) => `El diseño ${chosen} para ${name}, impreso y enviado: ${price}.`,
  pay: 'Pagar',
  waitForPayment: 'En cuanto hayas pagado, te lo confirmo aquí.',
  choose: 'Volver a los diseños',
  person: 'Hablar con alguien',
  payFailed: 'El pago no se ha completado. Puedes intentarlo otra vez en la misma página.',
  payExpired: 'La página de pago se ha cerrado. No se ha cobrado nada.',
  payArrived: 'Tu pago ya está en camino.',
  bought: ({ name, chosen, order }) =>
    `¡Gracias! El diseño ${chosen} para ${name} ya se está imprimiendo. Tu número de pedido es ${order}. Escríbeme cuando necesites otro regalo.`,
  paidLate: ({ lateOrder }) =>
    `Ha llegado tu pago de una página anterior: pedido ${lateOrder}. Una persona del equipo se asegura de que recibas el diseño correcto.`,
  shipped: '¡Buenas noticias: tu regalo está en camino!',
});

export function wordsOf(settings: ShopSettings): Readonly<Record<'en' | 'es', Words>> {
  const price = priceText(settings);
  return { en: english(price), es: spanish(price) };
}
