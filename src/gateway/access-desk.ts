import type { Caller, Denial, HttpCallers, Scope } from '../identity/index.ts';
import type { Answer } from './problem.ts';

/** What the routes about who asks ask. */
export interface AccessDesk {
  readonly callers: HttpCallers;
  denials(itemsMax: number): Denial[];
}

/** Who asks them. */
export interface AccessAsker {
  /** Null: nobody was asked. */
  readonly caller: Caller | null;
  readonly token: string | null;
  /** Address the request comes from. */
  readonly source: string;
}

/** How such a route is answered. */
export interface AccessAnswer<Query, Body> {
  readonly kind: 'access';
  /** Null: whoever asks. */
  readonly scope: Scope | null;
  readonly answer: (
    desk: AccessDesk,
    asker: AccessAsker,
    input: { readonly query: Query; readonly body: Body },
  ) => Answer | Promise<Answer>;
}
