/**
 * Gives the designs to WhatsApp, for the number that the customer writes to. It stands apart from the drawing: when this
 * fails it may be tried again, and nobody pays twice for the pictures. What WhatsApp has already is not sent again.
 */
import { defineActivity } from 'nightdesk';
import { z } from 'zod';

export const upload = defineActivity({
  name: 'upload',
  input: z.object({ designs: z.array(z.string()) }),
  output: z.object({ pictures: z.array(z.string()) }),
  deadlineMs: 60_000,
  run: async ({ designs }, { files }) => ({
    result: { pictures: await Promise.all(designs.map((design) => files.upload(design))) },
  }),
});
