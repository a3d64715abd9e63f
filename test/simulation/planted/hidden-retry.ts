import { HttpFault } from '#core/ports/world.ts';
import type { Variant } from '../variant.ts';

export const hiddenRetry: Variant = {
  name: 'hiddenRetry',
  breaks: ['I5'],
  what: 'The HTTP client repeats a request whose connection broke, as many do unasked.',
  http: (http) => ({
    async request(request) {
      try {
        return await http.request(request);
      } catch (error) {
        if (error instanceof HttpFault && error.code === 'ECONNRESET') return http.request(request);
        throw error;
      }
    },
  }),
};
