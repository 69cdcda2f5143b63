/** Pauses: for a while no lead at all is claimed. */
import type { D1Database, D1PreparedStatement } from "@cloudflare/workers-types";
import type { Reason } from "../states.ts";
import { reasons } from "./sql.ts";

/**
 * rate_limit: until Dub's window ends. outage: Dub does not answer. setting: the operator must fix a setting; it is
 * over at once when the settings change. After an outage or a wrong setting one lead is tried first: until Dub has
 * answered one, the row of the pause stays.
 */
export type PauseName = "rate_limit" | "outage" | "setting";

/** `until`: milliseconds since 1970. `count`: pauses of this name in a row, this one included. */
export type Pause = { name: PauseName; reason: Reason; until: number; count: number };

/** SQL: whether a row of `pauses` is in force at the time `now`, under the settings with the fingerprint `settings`. */
export const IN_FORCE = (now: string, settings: string) =>
  `until > ${now} AND (fingerprint IS NULL OR fingerprint = ${settings})`;

/** SQL: whether one lead is to be tried before the others. */
export const PROBING = "EXISTS (SELECT 1 FROM pauses WHERE name IN ('outage', 'setting'))";

export const readPauses = (db: D1Database) => db.prepare("SELECT name, reason, until, count FROM pauses");

/** The pause in force that ends last; null when there is none. `fingerprint`: of the settings in use. */
export function pauseInForce(db: D1Database, now: number, fingerprint: string): Promise<Pause | null> {
  return db
    .prepare(
      `SELECT name, coalesce(reason, 'dub_error') AS reason, until, count FROM pauses WHERE ${IN_FORCE("?1", "?2")}
       ORDER BY until DESC LIMIT 1`,
    )
    .bind(now, fingerprint)
    .first<Pause>();
}

const PAUSE = `
INSERT INTO pauses (name, until, reason, fingerprint, count) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (name) DO UPDATE SET until = max(iif(fingerprint IS excluded.fingerprint, until, 0), excluded.until), reason = excluded.reason,
  fingerprint = excluded.fingerprint, count = excluded.count`;

/** The statement that begins a pause. `fingerprint`: of the settings that it is about, null for none. */
export function beginPause(db: D1Database, pause: Pause, fingerprint: string | null): D1PreparedStatement {
  return db.prepare(PAUSE).bind(pause.name, pause.until, pause.reason, fingerprint, pause.count);
}

const SETTING_REASONS = reasons(({ pauses, alert }) => pauses === true && alert === true);

/** SQL: makes due what waits for a setting, if `where` holds for the pause. */
const RESUME = (where: string) => `
UPDATE events SET next_attempt_at = ?1
WHERE EXISTS (SELECT 1 FROM pauses WHERE name = 'setting' AND ${where})
  AND status = 'pending' AND next_attempt_at > ?1 AND reason IN (${SETTING_REASONS})`;

/** The statement that makes due what waits for a setting once the settings are others; one lead is tried first. */
export function resumeChanged(db: D1Database, now: number, fingerprint: string): D1PreparedStatement {
  return db.prepare(RESUME("fingerprint <> ?2")).bind(now, fingerprint);
}

/**
 * The statements that end outages and pauses for a setting: Dub has answered a lead. What waited for a setting is due
 * at once, and a limit below `perMinute` is forgotten: the plan may be another one now.
 */
export function endPauses(db: D1Database, now: number, perMinute: number): D1PreparedStatement[] {
  const held = "EXISTS (SELECT 1 FROM pauses WHERE name = 'setting')";
  return [
    db.prepare(RESUME("true")).bind(now),
    db.prepare(`DELETE FROM marks WHERE ${held} AND name = 'rate_limit' AND value < ?1`).bind(perMinute),
    db.prepare("DELETE FROM pauses WHERE name IN ('outage', 'setting')"),
  ];
}
