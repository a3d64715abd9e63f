/**
 * What Meta decides about templates, and the webhooks that tell it: review after creation and edits, pauses, rejections,
 * quality and category. A new template is approved after a while, unless the setup leaves reviews to the control API.
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/message_template_status_update.
 */

import { type JsonObject, readArray, readObject, readString } from '../control/json-reading.ts';
import { drawMs } from '../draw.ts';
import { escapedJson } from '../inbound/envelope.ts';
import type { MetaState } from '../meta-state.ts';
import { shapeOf, type Template, type TemplateQuality, type TemplateStatus } from './template.ts';

/** From these a template comes back rather than being approved. */
const TAKEN_AWAY: ReadonlySet<TemplateStatus> = new Set(['DISABLED', 'FLAGGED', 'LOCKED']);
const DISABLED_AFTER_SECONDS = 24 * 3_600;

function tell(state: MetaState, template: Template, field: string, value: JsonObject, nowMs: number): void {
  const common = {
    message_template_id: Number(template.id),
    message_template_name: template.name,
    message_template_language: template.language,
  };
  state.deliveries.enqueue(
    {
      wabaId: template.wabaId,
      phoneNumberId: null,
      field,
      subject: { wamid: null, status: null },
      metadata: null,
      list: null,
      item: escapedJson({ ...value, ...common }),
      contact: null,
      entryAtMs: nowMs,
    },
    nowMs,
  );
}

function eventOf(before: TemplateStatus, after: TemplateStatus): string {
  if (after !== 'APPROVED') return after;
  if (before === 'ARCHIVED') return 'UNARCHIVED';
  return TAKEN_AWAY.has(before) ? 'REINSTATED' : 'APPROVED';
}

export interface Decision {
  readonly status: TemplateStatus;
  /** Why it was rejected, in Meta's capitals: INVALID_FORMAT, ABUSIVE_CONTENT, ... */
  readonly reason?: string | null;
}

export function decide(state: MetaState, template: Template, decision: Decision, nowMs: number): void {
  const { status: before } = template;
  const { status } = decision;
  if (before === status) return;
  template.status = status;
  template.rejectedReason = status === 'REJECTED' ? (decision.reason ?? 'INVALID_FORMAT') : 'NONE';
  const seconds = Math.floor(nowMs / 1_000);
  const value = {
    event: eventOf(before, status),
    reason: template.rejectedReason,
    message_template_category: template.category,
    ...(status === 'DISABLED'
      ? { disable_info: { disable_date: String(seconds + DISABLED_AFTER_SECONDS) } }
      : {}),
    ...(status === 'PAUSED'
      ? { other_info: { title: 'FIRST_PAUSE', description: 'The template was paused for its low quality.' } }
      : {}),
  };
  state.log.count(`template.${value.event}`);
  tell(state, template, 'message_template_status_update', value, nowMs);
}

export function rate(state: MetaState, template: Template, quality: TemplateQuality, nowMs: number): void {
  const { quality: before } = template;
  if (before === quality) return;
  template.quality = quality;
  const value = { previous_quality_score: before, new_quality_score: quality };
  tell(state, template, 'message_template_quality_update', value, nowMs);
}

export function recategorize(state: MetaState, template: Template, category: string, nowMs: number): void {
  const { category: before } = template;
  if (before === category) return;
  template.category = category;
  template.previousCategory = before;
  const value = { previous_category: before, new_category: category };
  tell(state, template, 'template_category_update', value, nowMs);
}

/** New components for a template: Meta looks at it again. */
export function rewrite(
  state: MetaState,
  template: Template,
  components: readonly JsonObject[],
  nowMs: number,
): void {
  template.components = components;
  template.shape = shapeOf(components);
  template.status = 'PENDING';
  const textOf = (type: string, key: string): string | undefined =>
    readString(components.find((each) => String(each.type).toUpperCase() === type)?.[key]);
  const title = textOf('HEADER', 'text');
  const footer = textOf('FOOTER', 'text');
  const buttons = readArray(
    components.find((each) => String(each.type).toUpperCase() === 'BUTTONS')?.buttons,
  )?.map((each) => readObject(each) ?? {});
  const value = {
    message_template_element: textOf('BODY', 'text') ?? '',
    ...(title === undefined ? {} : { message_template_title: title }),
    ...(footer === undefined ? {} : { message_template_footer: footer }),
    ...(buttons === undefined
      ? {}
      : {
          message_template_buttons: buttons.map((button) => ({
            message_template_button_type: button.type,
            message_template_button_text: button.text,
            ...(button.url === undefined ? {} : { message_template_button_url: button.url }),
          })),
        }),
  };
  tell(state, template, 'message_template_components_update', value, nowMs);
  submit(state, template, nowMs);
}

/** Sets the review into the agenda, unless a person gives it. */
export function submit(state: MetaState, template: Template, nowMs: number): void {
  const { rules, timings } = state.settings;
  if (rules.templateReview === 'manual') return;
  const dueAtMs = nowMs + drawMs(state.random, timings.templateReviewMs);
  state.agenda.at(dueAtMs, (reviewedAtMs) => {
    const isStillThere = state.templates.get(template.id) === template;
    if (isStillThere && template.status === 'PENDING') {
      decide(state, template, { status: 'APPROVED' }, reviewedAtMs);
    }
  });
}
