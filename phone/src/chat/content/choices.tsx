/** What a customer may tap under a message. A tap answers with the message's own id, as often as one taps. */

import type { Message } from '../../data/history.ts';
import type { TemplateComponent } from '../../data/templates.ts';
import { Icon, type IconName } from '../../desk/icons.tsx';
import type { ChatActions } from '../actions.ts';
import { readList, readObject, readText } from '../reading.ts';
import { useTemplate } from './template.tsx';

interface Choice {
  readonly key: string;
  readonly title: string;
  readonly icon?: IconName;
  readonly href?: string;
  readonly onTap?: () => void;
}

function repliesOf(message: Message, actions: ChatActions): Choice[] {
  const buttons = readList(readObject(readObject(message.body).action).buttons).map((each) =>
    readObject(readObject(each).reply),
  );
  return buttons.map((reply) => {
    const id = readText(reply.id) ?? '';
    const title = readText(reply.title) ?? id;
    return {
      key: id,
      title,
      onTap: () => actions.say({ type: 'buttonReply', id, title, replyTo: message.wamid }),
    };
  });
}

function interactiveChoices(message: Message, actions: ChatActions): Choice[] {
  const content = readObject(message.body);
  const action = readObject(content.action);
  const parameters = readObject(action.parameters);
  switch (content.type) {
    case 'list':
      return [
        {
          key: 'list',
          icon: 'list',
          title: readText(action.button) ?? 'Choose',
          onTap: () => actions.openList(message),
        },
      ];
    case 'cta_url': {
      const href = readText(parameters.url);
      const isSafe = href !== undefined && /^https?:\/\//i.test(href);
      return [
        {
          key: 'url',
          icon: 'link',
          title: readText(parameters.display_text) ?? 'Open',
          ...(isSafe ? { href } : {}),
        },
      ];
    }
    case 'location_request_message':
      return [
        {
          key: 'spot',
          icon: 'pin',
          title: 'Send location',
          onTap: () => actions.shareLocation(message.wamid),
        },
      ];
    default:
      return repliesOf(message, actions);
  }
}

type Button = NonNullable<TemplateComponent['buttons']>[number];

/** What the business gets back is the payload, or the button's own words where it gave none. */
function templateChoice(message: Message, button: Button, at: number, actions: ChatActions): Choice {
  const { text } = button;
  const key = `${at}`;
  if (button.type !== 'QUICK_REPLY') {
    const isSafe = button.url !== undefined && /^https?:\/\//i.test(button.url) && !button.url.includes('{{');
    return { key, title: text, icon: 'link', ...(isSafe ? { href: button.url } : {}) };
  }
  const given = readList(readObject(message.body).components)
    .map(readObject)
    .find(
      (component) => readText(component.type)?.toLowerCase() === 'button' && String(component.index) === key,
    );
  const payload = readText(readObject(readList(given?.parameters)[0]).payload) ?? text;
  const onTap = () => actions.say({ type: 'templateButton', text, payload, replyTo: message.wamid });
  return { key, title: text, icon: 'reply', onTap };
}

function choicesOf(message: Message, actions: ChatActions, buttons: readonly Button[]): Choice[] {
  if (message.direction === 'in' || message.status === 'failed') return [];
  if (message.type === 'interactive') return interactiveChoices(message, actions);
  return buttons.map((button, at) => templateChoice(message, button, at, actions));
}

export function Choices({ message, actions }: { message: Message; actions: ChatActions }) {
  const template = useTemplate(message.type === 'template' ? message.body : null);
  const choices = choicesOf(message, actions, template?.find(({ buttons }) => buttons)?.buttons ?? []);
  if (choices.length === 0) return null;
  return (
    <div class="choices">
      {choices.map(({ key, title, icon, href, onTap }) =>
        href !== undefined ? (
          <a key={key} class="choice" href={href} target="_blank" rel="noopener noreferrer">
            {icon && <Icon name={icon} />} {title}
          </a>
        ) : (
          <button key={key} class="choice" type="button" disabled={onTap === undefined} onClick={onTap}>
            {icon && <Icon name={icon} />} {title}
          </button>
        ),
      )}
    </div>
  );
}
