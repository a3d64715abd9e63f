/**
 * Control routes for what Meta does to templates and tokens.
 *
 *   GET   /_sim/templates?wabaId=     { templates: [...] }
 *   POST  /_sim/templates             { wabaId, name, components, language?, category?, parameterFormat?, status? }, as if
 *                                     reviewed long ago
 *   PATCH /_sim/templates/{id}        { status?, reason?, quality?, category?, isPaced? }: changes are told by webhook, but for
 *                                     isPaced: held_for_quality_assessment, then sent, or failed if paused meanwhile
 *   POST  /_sim/tokens                { token, expired?, expiresAtMs?, expiresInMs?, invalidated?, permissions?, wabaIds? }
 */
import type { Route } from '../control/control.ts';
import { ControlError } from '../control/setting-merge.ts';
import type { Moderation } from './moderation.ts';

export function moderationRoutes({ moderation }: { moderation: Moderation }): Record<string, Route> {
  return {
    'GET /templates': ({ query }) => {
      if (!query.wabaId) throw new ControlError('Which WABA? Ask for /_sim/templates?wabaId=...');
      return { templates: moderation.templates(query.wabaId) };
    },
    'POST /templates': ({ body }) => ({ template: moderation.addTemplate(body) }),
    'PATCH /templates/': ({ tail, body, nowMs }) => ({
      template: moderation.changeTemplate(tail, body, nowMs),
    }),
    'POST /tokens': ({ body, nowMs }) => ({ token: moderation.changeToken(body, nowMs) }),
  };
}
