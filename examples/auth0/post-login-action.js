/** The Action of Auth0 for Universal Login and social connections. Paste it into the Dashboard. */
const SEVEN_DAYS = 7 * 24 * 60 * 60 * 1000;

exports.onExecutePostLogin = async (event, api) => {
  const { user, request } = event;
  const dubClickId = request.query?.["ext-dub_id"] ?? request.body?.["ext-dub_id"];
  if (!dubClickId || user.user_metadata?.dubClickId) return;
  const registeredAt = Date.parse(user.app_metadata?.registered_at ?? user.created_at);
  if (Date.now() - registeredAt < SEVEN_DAYS) api.user.setUserMetadata("dubClickId", dubClickId);
};
