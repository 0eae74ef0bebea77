/** The rows of every page, by cursor. `fetchPage` asks for one page and hands on its `data` and `response`. */
export async function* pages<Row>(
  fetchPage: (cursor: string | undefined) => Promise<{ data?: { data: Row[] }; response: Response }>,
): AsyncGenerator<Row> {
  let cursor: string | undefined;
  do {
    const page = await fetchPage(cursor);
    yield* page.data?.data ?? [];
    cursor = page.response.headers.get("Booper-Next-Cursor") ?? undefined;
  } while (cursor);
}
