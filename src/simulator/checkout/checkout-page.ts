/** The page on which a customer pays: plain HTML, one button, no script. */
import type { Checkout } from './checkout.ts';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (text: string): string => text.replace(/[&<>"']/g, (char) => ESCAPES[char] ?? char);
const isWeb = (url: string | null): url is string => url !== null && /^https?:\/\//.test(url);

const WORDS: Readonly<Record<Checkout['state'], string>> = {
  open: 'Nothing is charged: this is a look-alike.',
  paid: 'Paid. Thank you.',
  expired: 'This page has expired. Ask for a new one.',
};

export function priceText({ amount, currency }: Pick<Checkout, 'amount' | 'currency'>): string {
  return `${(amount / 100).toFixed(2)} ${currency.toUpperCase()}`;
}

export function checkoutPage(checkout: Checkout): string {
  const price = escaped(priceText(checkout));
  const items = checkout.items.map((item) => `<li>${escaped(item)}</li>`).join('');
  const pay =
    checkout.state === 'open' ? `<form method="post"><button autofocus>Pay ${price}</button></form>` : '';
  const back = checkout.state === 'paid' ? checkout.successUrl : checkout.cancelUrl;
  const link = isWeb(back) ? `<p><a href="${escaped(back)}">Back to the shop</a></p>` : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Checkout: ${price}</title>
<style>
:root { color-scheme: light dark; }
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 24rem; margin: 3rem auto; padding: 0 1rem; }
button { font: inherit; width: 100%; padding: .75rem; border: 0; border-radius: .5rem; background: #1a5fd0; color: #fff; }
</style>
</head>
<body>
<main>
<h1>${price}</h1>
<ul>${items}</ul>
${pay}
<p role="status">${WORDS[checkout.state]}</p>
${link}
</main>
</body>
</html>
`;
}
