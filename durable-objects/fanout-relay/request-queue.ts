/** A client's requests, one after the other: an unsubscribe must not overtake the subscribe that it takes back. */

export class RequestQueue<Client extends object> {
  readonly #queues = new Map<Client, (() => void)[]>();

  /** Requests of a client that wait for an earlier one. */
  waiting(client: Client): number {
    return this.#queues.get(client)?.length ?? 0;
  }

  /** @param request is followed by the next one when it calls {@link done} */
  enter(client: Client, request: () => void): void {
    const queue = this.#queues.get(client);
    if (queue !== undefined) {
      queue.push(request);
      return;
    }
    this.#queues.set(client, []);
    request();
  }

  done(client: Client): void {
    const next = this.#queues.get(client)?.shift();
    if (next === undefined) this.#queues.delete(client);
    else next();
  }

  remove(client: Client): void {
    this.#queues.delete(client);
  }
}
