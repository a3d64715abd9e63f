/** What stands unsent in each conversation's field, for as long as the page is open. */
export const drafts = new Map<string, string>();
