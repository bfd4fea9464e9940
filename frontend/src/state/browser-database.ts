/**
 * The browser's database (IndexedDB), as promises. Shared by the tabs of this device, and there over plain http too.
 *
 * Knows nothing of what is kept in it, and that it may be missing, full or forbidden: then every call rejects.
 */

export class BrowserDatabase {
  readonly #name: string;
  readonly #stores: Readonly<Record<string, IDBObjectStoreParameters>>;
  #opened: Promise<IDBDatabase> | null = null;

  /** `stores` are made when the database is. Another set of them is another version: raise it in the name. */
  constructor(name: string, stores: Readonly<Record<string, IDBObjectStoreParameters>>) {
    this.#name = name;
    this.#stores = stores;
  }

  /** One transaction: all of `work` or nothing. Resolves when it is committed, with what `work`'s request found. */
  async run<T>(
    store: string,
    mode: IDBTransactionMode,
    work: (store: IDBObjectStore) => IDBRequest<T> | undefined,
  ): Promise<T | undefined> {
    const database = await this.#open();
    return new Promise((resolve, reject) => {
      const transaction = database.transaction(store, mode);
      const request = work(transaction.objectStore(store));
      transaction.oncomplete = () => resolve(request?.result);
      transaction.onabort = () => reject(transaction.error ?? new Error("the transaction was called off"));
    });
  }

  /** Deletes the whole of it. */
  async wipe(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    (await opened?.catch(() => null))?.close();
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.deleteDatabase(this.#name);
      request.onsuccess = () => resolve();
      request.onerror = () => reject(request.error);
    });
  }

  #open(): Promise<IDBDatabase> {
    this.#opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(this.#name, 1);
      request.onupgradeneeded = () => {
        for (const [store, parameters] of Object.entries(this.#stores))
          request.result.createObjectStore(store, parameters);
      };
      request.onsuccess = () => {
        const database = request.result;
        const forget = () => {
          this.#opened = null;
        };
        // Another tab wipes it, or the browser took it away: the next call opens it anew.
        database.onversionchange = () => {
          database.close();
          forget();
        };
        database.onclose = forget;
        resolve(database);
      };
      request.onerror = () => {
        this.#opened = null;
        reject(request.error);
      };
    });
    return this.#opened;
  }
}
