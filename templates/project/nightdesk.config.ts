/** What the server runs. Each dialog gets a business of its own on the phone page of `npm start`. */
import type { NightdeskConfig } from 'nightdesk';
import { tableBooking } from './dialogs/table-booking.ts';

export default {
  dialogs: [tableBooking],
} satisfies NightdeskConfig;
