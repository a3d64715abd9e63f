/** What a business sends, by the Graph API as its server would: messages that the demo dialogs never send. */
import { lunaFlowers } from '../dev/dev-process.ts';

interface Setup {
  accessTokens: readonly { token: string }[];
}

/** Returns the wamid. */
export async function sendAsBusiness(
  phoneUrl: string,
  to: string,
  message: Readonly<Record<string, unknown>>,
): Promise<string> {
  const setup = (await (await fetch(`${phoneUrl}/_sim/setup`)).json()) as Setup;
  const answer = await fetch(`${phoneUrl}/v25.0/${lunaFlowers}/messages`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${setup.accessTokens[0]?.token ?? 'any'}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ messaging_product: 'whatsapp', to, ...message }),
  });
  const told = (await answer.json()) as { messages?: [{ id: string }] };
  const wamid = told.messages?.[0].id;
  if (wamid === undefined) throw new Error(`The message was refused: ${JSON.stringify(told)}`);
  return wamid;
}

/** As if it had been reviewed long ago. */
export async function createTemplate(phoneUrl: string): Promise<void> {
  const { numbers } = (await (await fetch(`${phoneUrl}/_sim/numbers`)).json()) as {
    numbers: { id: string; wabaId: string }[];
  };
  const wabaId = numbers.find(({ id }) => id === lunaFlowers)?.wabaId;
  const components = [
    { type: 'BODY', text: 'Hello {{1}}, your order {{2}} is ready.' },
    { type: 'BUTTONS', buttons: [{ type: 'QUICK_REPLY', text: 'I am coming' }] },
  ];
  const answer = await fetch(`${phoneUrl}/_sim/templates`, {
    method: 'POST',
    body: JSON.stringify({ wabaId, name: 'order_ready', language: 'en_US', components }),
  });
  if (!answer.ok) throw new Error(`The template was refused: ${await answer.text()}`);
}

export const templateMessage = {
  type: 'template',
  template: {
    name: 'order_ready',
    language: { code: 'en_US' },
    components: [
      {
        type: 'body',
        parameters: [
          { type: 'text', text: 'Mia' },
          { type: 'text', text: '1234' },
        ],
      },
      {
        type: 'button',
        sub_type: 'quick_reply',
        index: '0',
        parameters: [{ type: 'payload', payload: 'coming-1234' }],
      },
    ],
  },
};

export const buttonsQuestion = {
  type: 'interactive',
  interactive: {
    type: 'button',
    body: { text: 'Which bouquet would you like?' },
    action: {
      buttons: [
        { type: 'reply', reply: { id: 'roses', title: 'Roses' } },
        { type: 'reply', reply: { id: 'tulips', title: 'Tulips' } },
      ],
    },
  },
};

export const listQuestion = {
  type: 'interactive',
  interactive: {
    type: 'list',
    body: { text: 'Here is what we have today.' },
    action: {
      button: 'See flowers',
      sections: [
        { title: 'Bouquets', rows: [{ id: 'small', title: 'Small bouquet', description: '25 euros' }] },
        { title: 'Plants', rows: [{ id: 'orchid', title: 'Orchid', description: 'In a pot' }] },
      ],
    },
  },
};

export const linkMessage = {
  type: 'interactive',
  interactive: {
    type: 'cta_url',
    body: { text: 'Your order is on its way.' },
    footer: { text: 'Luna Flowers, since 1998' },
    action: {
      name: 'cta_url',
      parameters: { display_text: 'Follow it', url: 'https://example.com/orders/1234' },
    },
  },
};

export const locationRequest = {
  type: 'interactive',
  interactive: {
    type: 'location_request_message',
    body: { text: 'Where shall we bring them?' },
    action: { name: 'send_location' },
  },
};
