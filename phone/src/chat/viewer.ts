/** What a message needs of the chat around it, from wherever in it. */
import { createContext } from 'preact';

/** The WABA of the business, whose templates its messages name. */
export const WabaContext = createContext('');

/** Opens a picture large. */
export const ViewerContext = createContext<(address: string, label: string) => void>(() => {});
