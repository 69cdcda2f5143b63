/** The comparison with Dub's list in tests: days, mornings, and alerts. */
import { CLICK } from "./admin.ts";
import { answerOf, createTestApp, DAY, db, HOUR, MINUTE, START, type TestAppOptions } from "./app.ts";

export const TODAY = START - (START % DAY);
/** The rows of the compared days. */
export const days = async () =>
  (await db.prepare("SELECT * FROM days ORDER BY day").all<Record<string, number>>()).results;

/** An app that notes its alerts. Yesterday is done, so that the first day is the one of the test. */
export async function openDays(options: TestAppOptions = {}) {
  const alerts: string[] = [];
  const app = await createTestApp({
    ...options,
    settings: { ALERT_WEBHOOK_URL: "https://chat.example/hook", ...options.settings },
    fetch: async (request) => {
      if (new URL(request.url).hostname !== "chat.example")
        return options.fetch?.(request) ?? answerOf(app.dub.app, request);
      const { text } = (await request.json()) as { text: string };
      alerts.push(text);
      return new Response("ok");
    },
  });
  const told = (code: string) => alerts.filter((text) => text.includes(`as ${code}.`));
  await db
    .prepare("INSERT INTO days (day, pages, delivered, done_at) VALUES (?1, 0, 0, 1)")
    .bind(TODAY - DAY)
    .run();
  /** To the morning on which the day of the test is compared, and until it is. */
  const toMorning = async (minutes = 12) => {
    app.clock.now = Math.max(app.clock.now, TODAY + DAY + 6 * HOUR);
    for (let i = 0; i < minutes && !(await days())[1]?.done_at; i++) {
      await app.sweep();
      app.clock.now += MINUTE;
    }
    await app.sweep();
  };
  return { ...app, told, alerts, toMorning };
}

/** A lead that somebody else has recorded at Dub. */
export const recordedBy = (customerExternalId: string, more: object = {}) => ({
  at: START + HOUR,
  customerExternalId,
  eventName: "Sign Up",
  clickId: CLICK,
  link: "link_Xk3p",
  quantity: 1,
  metadata: null,
  ...more,
});
