/** The dialog by itself: no server, no clock, no provider. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { driveDialog } from 'nightdesk/testing';
import { giftShop } from './gift-shop.ts';

const hourMs = 3_600_000;
const designs = ['f1', 'f2', 'f3', 'f4'];
const pictures = ['m1', 'm2', 'm3', 'm4'];
const page = { checkoutId: 'cs_1', url: 'https://pay.example/cs_1', order: 'GIFT-1A2B3C4D' };

/** As it comes from Stripe. */
const paid = (design: string) => ({ checkoutId: 'cs_1', metadata: { order: page.order, design } });

/** A customer whose wishes are known. */
function wished(greeting = 'hi', style = 'Watercolour') {
  const ana = driveDialog(giftShop);
  ana.say(greeting).say('Carmen').say('a lighthouse at night').tap(style);
  return ana;
}

function drawn() {
  const ana = wished().tap('Draw it').activityDone('draw', { designs });
  return ana.activityDone('upload', { pictures }).sees('Which design do you like?');
}

function paying() {
  const ana = drawn().say('2').tap('Buy it');
  return ana.activityDone('checkout', page).sees('As soon as you have paid, I confirm it here.');
}

const started = (ana: ReturnType<typeof driveDialog>) => ana.running.map(({ name }) => name);

test('a gift is bought', () => {
  const ana = driveDialog(giftShop);
  ana
    .say('hi')
    .sees(/^Welcome to the gift shop!/)
    .sees('What is the name of the person?');
  ana.say('Carmen').sees(/^What should be in the picture for Carmen\?/);
  ana.say('a lighthouse at night').sees('In which style?');
  ana.tap('Comic').sees('For Carmen: a lighthouse at night. Style: comic. Shall I draw it?');
  ana.tap('Draw it').sees(/^I am drawing four designs for Carmen/);
  assert.deepEqual(ana.running, [
    { name: 'draw', input: { name: 'Carmen', theme: 'a lighthouse at night', style: 'comic' } },
  ]);
  ana.activityDone('draw', { designs }).activityDone('upload', { pictures });
  assert.equal(ana.said.length, 5, 'four pictures and a question');
  ana.tap('Design 3').sees(/^Design 3 for Carmen: a good choice/);
  ana
    .tap('Buy it')
    .activityDone('checkout', page)
    .sees(/^Design 3 for Carmen, printed and sent/);
  ana.business('payment.succeeded', paid('f3'));
  ana.sees(/Your order reference is GIFT-1A2B3C4D/);
  ana.say('hello again').sees(/^Welcome to the gift shop!/);
});

test('the same in Spanish, with typed answers instead of taps', () => {
  const ana = driveDialog(giftShop);
  ana.say('hola').sees(/^¡Te damos la bienvenida/);
  ana.say('Carmen').say('un faro de noche').sees('¿En qué estilo?');
  ana.say('acuarela').sees('Para Carmen: un faro de noche. Estilo: acuarela. ¿Lo dibujo?');
  ana.say('dibujalo').activityDone('draw', { designs }).activityDone('upload', { pictures });
  ana.say('4').sees(/^El diseño 4 para Carmen/);
  ana.say('comprar').activityDone('checkout', page).sees('En cuanto hayas pagado, te lo confirmo aquí.');
  ana.business('payment.succeeded', paid('f4')).sees(/Tu número de pedido es GIFT-1A2B3C4D/);
});

test('two taps on the button draw once', () => {
  const ana = wished().tap('Draw it');
  ana.tap('Draw it').tap('Draw it');
  assert.deepEqual(started(ana), ['draw']);
  assert.deepEqual(ana.unanswered, ['secondTap', 'secondTap']);
});

test('whoever writes while it draws is told so, and nothing starts twice', () => {
  const ana = wished().tap('Draw it');
  ana.say('hello').sees(/^I am still drawing/);
  ana.voice().sees(/^I am still drawing/);
  assert.deepEqual(started(ana), ['draw']);
});

test('a question in the middle is answered, and the purchase goes on', () => {
  const ana = wished().say('how long does it take to arrive?');
  assert.deepEqual(started(ana), ['reply']);
  ana
    .activityDone('reply', { text: 'About a week.' })
    .sees('About a week.')
    .sees(/Shall I draw it\?$/);
  ana.tap('Draw it');
  assert.deepEqual(started(ana), ['draw']);
});

test('a voice note is no name', () => {
  const ana = driveDialog(giftShop).say('hi').sees('What is the name of the person?');
  ana.voice().sees(/What is the name of the person\?$/);
  ana.say('x'.repeat(41)).sees('A name is enough, please: at most 40 letters.');
  assert.equal(ana.state, 'name');
});

test('a drawing that went wrong is tried again by a tap, one that is refused needs other words', () => {
  const ana = wished().tap('Draw it');
  ana.activityFails('draw').sees('The drawing went wrong. It costs you nothing.');
  ana
    .tap('Try again')
    .activityFails('draw', 'deadline')
    .sees(/^The drawing went wrong/);
  ana
    .tap('Try again')
    .activityFails('draw', 'moderation_blocked')
    .sees(/^The painter does not draw that/);
  assert.equal(ana.state, 'theme');
});

test('the limit ends it before anything is charged; what is there may still be bought', () => {
  const bea = wished().refuses('drawingsPerDay', 'draw').tap('Draw it');
  bea.sees('That is all I can draw for today. Tomorrow I can draw again.').sees(/Shall I draw it\?$/);
  const ana = drawn().refuses('drawingsPerDay', 'draw').tap('Four new designs');
  ana.sees('That is all I can draw for today. Tomorrow I can draw again.').sees('Which design do you like?');
  ana.tap('Design 1').sees(/^Design 1 for Carmen/);
});

test('new designs after a choice, and another design while the page is open', () => {
  const ana = drawn().tap('Design 1').tap('Four new ones');
  assert.deepEqual(started(ana), ['draw']);
  const bea = paying().tap('Back to the designs').tap('Another design').tap('Design 4').tap('Buy it');
  assert.deepEqual(bea.running, [
    { name: 'checkout', input: { title: 'Gift for Carmen', design: 'f4', earlier: 'cs_1' } },
  ]);
});

test('a second drawing that goes wrong leaves the first one to choose from', () => {
  const ana = drawn().tap('Four new designs').activityFails('draw');
  ana
    .tap('Back to the designs')
    .tap('Design 3')
    .sees(/^Design 3 for Carmen/);
});

test('designs that were never shown are not chosen from', () => {
  const ana = drawn().tap('Four new designs');
  ana.activityDone('draw', { designs: ['f5', 'f6', 'f7', 'f8'] }).activityFails('upload');
  ana.tap('Change something').say('a cat').tap('Comic').refuses('drawingsPerDay', 'draw').tap('Draw it');
  ana.sees(/^That is all I can draw for today/).sees('Shall I send them again?');
});

test('pictures that WhatsApp did not take are sent again without a new drawing', () => {
  const ana = wished().tap('Draw it').activityDone('draw', { designs }).activityFails('upload');
  ana.sees(/WhatsApp did not take the pictures/).tap('Send them again');
  assert.deepEqual(started(ana), ['upload']);
  ana.activityDone('upload', { pictures }).sees('Which design do you like?');
});

test('a payment counts for the design of its page, whatever the customer looks at meanwhile', () => {
  const ana = paying().tap('Back to the designs').tap('Another design').tap('Design 4');
  ana.business('payment.succeeded', paid('f2')).sees(/^Thank you! Design 2 .* GIFT-1A2B3C4D/);
  ana.business('payment.succeeded', paid('f2')).seesNothing();
});

test('a payment for a design that was drawn over is thanked for, and a person looks at it', () => {
  const ana = paying().tap('Back to the designs').tap('Four new ones');
  ana.activityDone('draw', { designs: ['f5', 'f6', 'f7', 'f8'] }).activityDone('upload', { pictures });
  ana.business('payment.succeeded', paid('f2')).sees(/has arrived: order GIFT-1A2B3C4D/);
  assert.equal(ana.state, 'picking');
  assert.equal(ana.flags.length, 1);
  ana.tap('Design 1').tap('Buy it');
  assert.deepEqual(ana.running, [{ name: 'checkout', input: { title: 'Gift for Carmen', design: 'f5' } }]);
});

test('who paid while the page was being closed is told so, and is not asked to pay again', () => {
  const ana = paying().tap('Back to the designs').tap('Another design').tap('Design 4').tap('Buy it');
  ana.activityFails('checkout', 'paidAlready').sees('Your payment is on its way already.');
  ana.business('payment.succeeded', paid('f2')).sees(/^Thank you! Design 2/);
});

test('a payment in another form is no payment', () => {
  assert.throws(
    () => wished().business('payment.succeeded', { checkoutId: 7 }),
    /"payment.succeeded" does not fit its schema at checkoutId/,
  );
});

test('a payment for a page of long ago is thanked for, and a person looks at it', () => {
  const ana = paying().say('menu').sees('What is the name of the person?');
  ana.business('payment.succeeded', { checkoutId: 'cs_1', metadata: { order: 'GIFT-OLD' } });
  ana.sees(/has arrived: order GIFT-OLD/);
  assert.equal(ana.state, 'name');
  assert.equal(ana.flags.length, 1);
});

test('a page that closed, and a card that was refused, leave a way on', () => {
  const ana = paying();
  ana.business('payment.failed', { checkoutId: 'cs_1' }).sees(/^The payment did not go through/);
  ana.business('payment.expired', { checkoutId: 'cs_0' }).seesNothing();
  ana
    .business('payment.expired', { checkoutId: 'cs_1' })
    .sees('The payment page has closed. Nothing was charged.');
  ana.sees(/^Design 2 for Carmen/).tap('Buy it');
  assert.deepEqual(started(ana), ['checkout']);
});

test('silence is broken once, and a return after hours goes on where it was', () => {
  const ana = wished();
  ana.advance(3 * hourMs).sees(/^Are you still there\?.*Shall I draw it\?/s);
  ana.advance(5 * hourMs).seesNothing();
  ana.say('hello').sees(/^Welcome back!/);
  assert.equal(ana.state, 'ready');
});
